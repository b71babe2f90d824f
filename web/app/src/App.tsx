import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { CommunityScreen } from './community/CommunityScreen';
import { InviteScreen } from './community/InviteScreen';
import { LANGUAGES, languageOf, useT, WordsProvider } from './i18n';
import { LobbyScreen } from './lobby/LobbyScreen';
import { RoomScreen } from './room/RoomScreen';
import { parseRoute, useLocation } from './route';
import { ProblemScreen } from './ui/ProblemScreen';
import { Visitor, type VisitorState } from './visitor';

// One for the page, outside React: a session must not open twice because a screen does.
const visitor = new Visitor(LANGUAGES[languageOf(location.search, navigator.language)].common.guest);

export interface VisitorProps extends VisitorState {
  visitor: Visitor;
}

export function App() {
  return <WordsProvider><Screen /></WordsProvider>;
}

function Screen() {
  const t = useT();
  const { path } = useLocation();
  const route = useMemo(() => parseRoute(path), [path]);
  useEffect(() => {
    if (route.screen === 'lobby' || route.screen === 'invite') document.title = `${t.appName} · ${t.tagline}`;
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

function Guest({ children }: { children: (guest: VisitorProps) => React.ReactNode }) {
  const state = useSyncExternalStore((changed) => visitor.subscribe(changed), () => visitor.state);
  return children({ ...state, visitor });
}
