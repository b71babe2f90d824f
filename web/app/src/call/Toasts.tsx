// Short notes of who came and went, and of a device that failed in the call.

import { useEffect, useRef, useState } from 'react';
import { isAudible, type DeviceKind, type LocalState, type RoomState } from 'zzan-client';
import { useT } from '../i18n';

interface Toast {
  id: number;
  text: string;
}

const TOAST_MS = 4_000;

export function useToasts(state: RoomState, media: LocalState): readonly Toast[] {
  const t = useT();
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const lastId = useRef(0);
  const known = useRef(new Map<string, string>(state.participants.map(({ id, name }) => [id, name])));
  const timers = useRef(new Set<ReturnType<typeof setTimeout>>());

  const show = (text: string) => {
    const id = ++lastId.current;
    setToasts((before) => [...before.slice(-2), { id, text }]);
    const timer = setTimeout(() => {
      timers.current.delete(timer);
      setToasts((before) => before.filter((toast) => toast.id !== id));
    }, TOAST_MS);
    timers.current.add(timer);
  };

  useEffect(() => {
    const now = new Map(state.participants.map(({ id, name }) => [id, name]));
    for (const [id, name] of now) if (!known.current.has(id) && id !== state.me.id) show(t.call.joined(name));
    for (const [id, name] of known.current) if (!now.has(id) && id !== state.me.id) show(t.call.left(name));
    known.current = now;
  }, [state.participants]);

  const sharers = state.tracks.filter((track) => track.source === 'screen' && track.kind === 'video' && isAudible(track)).map(({ participant }) => participant);
  const knownSharers = useRef(new Set(sharers));
  useEffect(() => {
    for (const id of sharers) {
      const name = known.current.get(id);
      if (name && id !== state.me.id && !knownSharers.current.has(id)) show(t.call.sharesScreen(name));
    }
    knownSharers.current = new Set(sharers);
  }, [sharers.join(' ')]);

  const screenProblem = media.screen.problem;
  useEffect(() => {
    if (screenProblem) show(t.call.screenFailed);
  }, [screenProblem]);

  const problems = (['camera', 'microphone'] as DeviceKind[]).map((kind) => media[kind].problem);
  useEffect(() => {
    const [camera, microphone] = problems;
    if (camera) show(t.prejoin.problem.camera[camera]);
    if (microphone) show(t.prejoin.problem.microphone[microphone]);
  }, problems);

  useEffect(() => () => timers.current.forEach(clearTimeout), []);
  return toasts;
}

export function Toasts({ toasts }: { toasts: readonly Toast[] }) {
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map(({ id, text }) => <div key={id} className="toast">{text}</div>)}
    </div>
  );
}
