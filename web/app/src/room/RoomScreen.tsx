// The screens of one room address, by the phase of the visit.

import { useEffect, useState, useSyncExternalStore } from 'react';
import { CallScreen } from '../call/CallScreen';
import { wayBack } from '../community/lastPlace';
import { useT } from '../i18n';
import { navigate } from '../route';
import type { Problem } from '../problem';
import { ProblemScreen } from '../ui/ProblemScreen';
import { setPlace } from '../title';
import { Loading } from '../ui/Loading';
import { Logo } from '../ui/Logo';
import type { Visitor } from '../visitor';
import { PreJoin } from './PreJoin';
import { Visit, type VisitState } from './visit';

const NOTHING: VisitState = { phase: 'rejoining', listed: undefined, name: '', nameFixed: false, problem: undefined, call: undefined };

export function RoomScreen({ roomId, visitor }: { roomId: string; visitor: Visitor }) {
  const [visit, setVisit] = useState<Visit>();
  useEffect(() => {
    // A visit starts a moment later, so that an effect that is undone at once (as React's strict mode does) uses no link and opens no camera.
    let started: Visit | undefined;
    const timer = setTimeout(() => {
      started = new Visit(roomId, visitor);
      setVisit(started);
      void started.start();
    });
    return () => {
      clearTimeout(timer);
      started?.close();
    };
  }, [roomId, visitor]);
  const state = useSyncExternalStore(
    (changed) => visit?.subscribe(changed) ?? (() => undefined),
    () => visit?.state ?? NOTHING,
  );
  useTitle(state);
  if (!visit) return <Waiting />;
  switch (state.phase) {
    case 'prejoin':
    case 'joining':
      return <PreJoin visit={visit} state={state} />;
    case 'rejoining':
      return <Waiting />;
    case 'call':
      return state.call ? <CallScreen room={state.call} local={visit.local} onLeave={() => visit.leave()} /> : <Waiting />;
    case 'over':
      return <Over visit={visit} problem={state.problem ?? { kind: 'left' }} />;
  }
}

function Over({ visit, problem }: { visit: Visit; problem: Problem }) {
  const t = useT();
  const actions: Partial<Record<Problem['kind'], string>> = {
    left: t.problem.rejoin,
    replaced: t.problem.takeOver,
    failed: t.common.retry,
    room_gone: t.common.retry,
  };
  const label = actions[problem.kind];
  const back = wayBack(visit.roomId);
  const isBack = back !== undefined && problem.kind === 'left';
  useEffect(() => {
    if (isBack) navigate(back, { replace: true });
  }, [isBack, back]);
  if (isBack) return <Waiting />;
  if (back !== undefined) return <ProblemScreen problem={problem} action={{ label: t.community.back, run: () => navigate(back, { replace: true }) }} />;
  return <ProblemScreen problem={problem} action={label === undefined ? undefined : { label, run: () => visit.again() }} />;
}

function Waiting() {
  return (
    <main className="waiting" aria-busy="true">
      <Logo />
      <Loading />
    </main>
  );
}

function useTitle({ call, listed }: VisitState): void {
  const t = useT();
  const name = call?.state.room.name ?? listed?.name;
  useEffect(() => setPlace(name ? `${name} · ${t.appName}` : t.appName), [name, t]);
}
