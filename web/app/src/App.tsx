import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { CommunityScreen } from './community/CommunityScreen';
import { InviteScreen } from './community/InviteScreen';
import { Alerts } from './inbox/Alerts';
import { LANGUAGES, languageOf, useT, WordsProvider } from './i18n';
import { LobbyScreen } from './lobby/LobbyScreen';
import { RoomScreen } from './room/RoomScreen';
import { parseRoute, useLocation } from './route';
import { setPlace } from './title';
import { ProblemScreen } from './ui/ProblemScreen';
import { Visitor, type VisitorState } from './visitor';

// One for the page, outside React: a session must not open twice because a screen does.
const visitor = new Visitor(LANGUAGES[languageOf(location.search, navigator.language)].common.guest);

export interface VisitorProps extends VisitorState {
  visitor: Visitor;
}

export function App() {
  return (
    <WordsProvider>
      <Screen />
      <Inbox />
    </WordsProvider>
  );
}

function Screen() {
  const t = useT();
  const { path } = useLocation();
  const route = useMemo(() => parseRoute(path), [path]);
  useEffect(() => {
    // A room and a server say which one they are.
    if (route.screen !== 'room' && !(route.screen === 'servers' && route.server)) setPlace(`${t.appName} · ${t.tagline}`);
  }, [route, t]);
  switch (route.screen) {
    case 'lobby':
      return <Guest>{(guest) => <LobbyScreen {...guest} />}</Guest>;
    case 'room':
      return <RoomScreen key={route.room} roomId={route.room} visitor={visitor} />;
    case 'servers':
      return <Guest>{(guest) => <CommunityScreen {...guest} server={route.server} channel={route.channel} />}</Guest>;
    case 'invite':
      return <Guest>{(guest) => <InviteScreen key={route.secret} {...guest} secret={route.secret} />}</Guest>;
    case 'unknown':
      return <ProblemScreen problem={{ kind: 'not_found' }} />;
  }
}

/** Of whoever has a session by now; none is opened for it. */
function Inbox() {
  const opened = useSyncExternalStore((changed) => visitor.subscribe(changed), () => visitor.opened);
  return opened && <Alerts client={opened.client} />;
}

function Guest({ children }: { children: (guest: VisitorProps) => React.ReactNode }) {
  const state = useSyncExternalStore((changed) => visitor.subscribe(changed), () => visitor.state);
  return children({ ...state, visitor });
}
