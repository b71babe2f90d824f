// One's servers: which one and which channel are open is in the address. Panels at the sides are drawers on phones.

import { useEffect, useState } from 'react';
import type { Client, Community, CommunityServer, ServerState } from 'zzan-client';
import type { VisitorProps } from '../App';
import { Toasts } from '../call/Toasts';
import { useClientState, useLasting } from '../hooks/useSource';
import { useT, useWords } from '../i18n';
import { Bell } from '../inbox/Bell';
import { NameGate } from '../lobby/NameGate';
import { Refused } from '../lobby/Refused';
import { navigate, roomPath, serverPath } from '../route';
import { setPlace } from '../title';
import { ErrorBanner } from '../ui/ErrorBanner';
import { HashIcon, ListIcon, MembersIcon, NoteIcon, PinIcon, SpeakerIcon } from '../ui/icons';
import { Loading } from '../ui/Loading';
import { ChannelList } from './ChannelList';
import { ChannelView } from './ChannelView';
import { Dialogs, type Asked } from './Dialogs';
import { problemText, useCommunity, useNotes, useServer, useWhen } from './hooks';
import { lastChannel, lastServer, rememberPlace, rememberWayBack } from './lastPlace';
import { MemberList } from './MemberList';
import { SearchField, SearchPanel } from './Search';
import { ServerHead } from './ServerHead';
import { ServerRail } from './ServerRail';
import { CreateServerDialog } from './ServerDialogs';
import { StatusBar } from './StatusBar';
import { useSidePanel } from './useSidePanel';

/** Shorter losses mend themselves before anyone reads of them. */
const UNREACHABLE_AFTER_MS = 2_500;

type Drawer = 'none' | 'channels' | 'members';

interface Place {
  server?: string | undefined;
  channel?: string | undefined;
}

export function CommunityScreen({ client, name, visitor, ...place }: VisitorProps & Place) {
  const state = useClientState(client);
  if (state === 'closed') return <Refused visitor={visitor} />;
  if (name === undefined) return <NameGate visitor={visitor} />;
  return <Servers client={client} name={name} {...place} />;
}

function Servers({ client, name, server: serverId, channel }: { client: Client; name: string } & Place) {
  const { t } = useWords();
  const { community, state } = useCommunity(client);
  const unreachable = useLasting(useClientState(client) !== 'ready', UNREACHABLE_AFTER_MS);
  const [creating, setCreating] = useState(false);
  const { notes, show } = useNotes();
  const when = useWhen();
  const { servers, loaded } = state;
  const server = servers.find(({ id }) => id === serverId);

  useEffect(() => {
    const known = servers.find(({ id }) => id === lastServer()) ?? servers[0];
    if (loaded && !server && (known || serverId !== undefined)) navigate(serverPath(known?.id), { replace: true });
  }, [loaded, servers, server, serverId]);
  useEffect(() => community.on('left', ({ server: gone, reason }) => show(t.community.gone[reason](gone.name))), [community, t]);
  useEffect(() => community.on('due', ({ title, starts_at }) => show(t.community.calendar.due(title, when(starts_at)))), [community, t, when]);

  return (
    <div className="community-page" data-testid="community">
      {unreachable && <div className="community-notice"><ErrorBanner title={t.lobby.unreachable} /></div>}
      {server ? (
        <OpenServer key={server.id} client={client} community={community} servers={servers} server={server} channel={channel} onCreate={() => setCreating(true)} onNote={show} />
      ) : (
        <div className="community none">
          <ServerRail servers={servers} current={undefined} onCreate={() => setCreating(true)} />
          <div className="community-bell"><Bell client={client} /></div>
          <main className="community-empty">
            {loaded && servers.length === 0 ? (
              <div className="empty" data-testid="no-servers">
                <div className="empty-glass" aria-hidden="true" />
                <h1>{t.community.empty.title}</h1>
                <p className="muted">{t.community.empty.text}</p>
                <button type="button" className="button primary" onClick={() => setCreating(true)}>{t.community.create.title}</button>
              </div>
            ) : (
              <Loading />
            )}
          </main>
        </div>
      )}
      {creating && <CreateServerDialog community={community} name={name} onClose={() => setCreating(false)} />}
      <Toasts toasts={notes} />
    </div>
  );
}

interface OpenProps {
  client: Client;
  community: Community;
  servers: readonly CommunityServer[];
  server: CommunityServer;
  channel: string | undefined;
  onCreate: () => void;
  onNote: (text: string) => void;
}

function OpenServer({ client, community, servers, server, channel: channelId, onCreate, onNote }: OpenProps) {
  const t = useT();
  const words = t.community;
  const state = useServer(server);
  const [drawer, setDrawer] = useState<Drawer>('none');
  const [asked, setAsked] = useState<Asked>();
  const channel = state.channels.find(({ id }) => id === channelId);
  const fallback = firstChannel(state);
  const go = (to: string, replace = false) => {
    setDrawer('none');
    navigate(serverPath(server.id, to), { replace });
  };
  const { pinsOpen, showPins, searchOpen, setSearchOpen, query, search, closeSearch, openFound } = useSidePanel(channel?.id, go);

  useEffect(() => {
    if (channel) rememberPlace(server.id, channel.id);
    else if (fallback !== undefined) go(fallback, true);
  }, [channel?.id, fallback]);
  useEffect(() => void server.loadMembers().catch(() => undefined), [server, state.members]);
  useEffect(() => setPlace([channel?.name, state.info.name, t.appName].filter(Boolean).join(' · ')), [channel?.name, state.info.name, t]);
  useEffect(() => {
    // A dialog over the drawer closes first.
    const isOurs = (event: KeyboardEvent) => event.key === 'Escape' && !event.isComposing && !document.querySelector('dialog[open]');
    const escape = (event: KeyboardEvent) => isOurs(event) && setDrawer('none');
    window.addEventListener('keydown', escape);
    return () => window.removeEventListener('keydown', escape);
  }, []);

  const call = (to: string) => {
    server.openCall(to).then(
      (room) => {
        rememberWayBack(room, serverPath(server.id, to));
        navigate(roomPath(room));
      },
      (cause: unknown) => onNote(problemText(t, cause)),
    );
  };

  return (
    <div className="community" data-drawer={drawer}>
      <ServerRail servers={servers} current={server} onCreate={onCreate} />
      <section className="community-side" id="channels" aria-label={words.side(state.info.name)}>
        <ServerHead server={server} onAsk={setAsked} />
        <ChannelList server={server} current={channel?.id} onOpen={go} onCall={({ id }) => call(id)} onAsk={setAsked} />
        <StatusBar community={community} state={state} />
      </section>
      <main className="community-main">
        <header className="channel-head">
          <button type="button" className="icon-button narrow-only" aria-label={words.openChannels} aria-expanded={drawer === 'channels'} aria-controls="channels" onClick={() => setDrawer('channels')} data-testid="open-channels"><ListIcon /></button>
          {channel && (channel.kind === 'voice' ? <SpeakerIcon /> : <HashIcon />)}
          <h1>{channel?.name ?? state.info.name}</h1>
          {channel?.kind === 'voice' && (
            <button type="button" className="icon-button" aria-label={t.notes.open} title={t.notes.open} onClick={() => setAsked({ what: 'notes', channel })} data-testid="channel-notes"><NoteIcon /></button>
          )}
          {channel?.kind === 'voice' && server.can('connect') && (
            <button type="button" className="button primary small" onClick={() => call(channel.id)} data-testid="join-call">{words.channel.join}</button>
          )}
          {channel && <button type="button" className="icon-button" aria-label={t.messages.pins.open} title={t.messages.pins.open} aria-expanded={pinsOpen} onClick={() => showPins(!pinsOpen)} data-testid="open-pins"><PinIcon /></button>}
          <SearchField open={searchOpen} onOpen={setSearchOpen} onSearch={search} />
          <Bell client={client} />
          <button type="button" className="icon-button narrow-only" aria-label={words.openMembers} aria-expanded={drawer === 'members'} aria-controls="members" onClick={() => setDrawer('members')} data-testid="open-members"><MembersIcon /></button>
        </header>
        <div className="channel-frame">
          {channel ? <ChannelView key={channel.id} community={community} server={server} channel={channel} pinsOpen={pinsOpen} onPinsClose={() => showPins(false)} /> : <p className="community-empty muted">{words.empty.noChannel}</p>}
          {query && <SearchPanel key={query.text} server={server} query={query} onOpen={openFound} onClose={closeSearch} />}
        </div>
      </main>
      <aside className="community-members" id="members" aria-label={words.members.title}>
        <MemberList state={state} onMember={({ user }) => setAsked({ what: 'member', user: user.id })} />
      </aside>
      {drawer !== 'none' && <button type="button" className="drawer-back" aria-label={words.closePanel} onClick={() => setDrawer('none')} />}
      <Dialogs server={server} asked={asked} onClose={() => setAsked(undefined)} />
    </div>
  );
}

/** The channel that was open last, else the first text channel, else any. */
function firstChannel({ info, channels, categories }: ServerState): string | undefined {
  const last = lastChannel(info.id);
  if (channels.some(({ id }) => id === last)) return last;
  const order = ['', ...categories.map(({ id }) => id)];
  const sorted = [...channels].sort((a, b) => order.indexOf(a.category ?? '') - order.indexOf(b.category ?? ''));
  return (sorted.find(({ kind }) => kind === 'text') ?? sorted[0])?.id;
}
