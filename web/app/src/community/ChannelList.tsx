// A server's categories and channels, with what is unread and who is in a call.

import { channelsOf, type Category, type Channel, type CommunityServer, type ServerState } from 'zzan-client';
import { useT } from '../i18n';
import { Avatar } from '../ui/Avatar';
import { ChatIcon, HashIcon, LockIcon, PencilIcon, PlusIcon, SettingsIcon, SpeakerIcon } from '../ui/icons';
import { Badge } from './Badge';
import { useNames, useServer } from './hooks';

export type ChannelAsk = { what: 'create'; category: string | undefined } | { what: 'edit'; channel: Channel } | { what: 'category'; category: Category };

interface Props {
  server: CommunityServer;
  current: string | undefined;
  onOpen: (channel: string) => void;
  onCall: (channel: Channel) => void;
  onAsk: (ask: ChannelAsk) => void;
}

export function ChannelList({ server, current, onOpen, onCall, onAsk }: Props) {
  const t = useT().community;
  const state = useServer(server);
  const manages = server.can('manage_channels');
  const rows = (channels: readonly Channel[]) => (
    <ul>
      {channels.map((channel) => (
        <ChannelRow
          key={channel.id}
          channel={channel}
          state={state}
          current={channel.id === current}
          onOpen={() => onOpen(channel.id)}
          onCall={server.can('connect') ? () => onCall(channel) : undefined}
          onEdit={manages ? () => onAsk({ what: 'edit', channel }) : undefined}
        />
      ))}
    </ul>
  );
  return (
    <div className="channel-list" data-testid="channel-list">
      {rows(channelsOf(state, undefined))}
      {state.categories.map((category) => (
        <section key={category.id} aria-label={category.name}>
          <header className="category-head" data-testid="category">
            <h3>{category.name}</h3>
            {manages && (
              <>
                <button type="button" className="icon-button tiny" aria-label={`${t.category.edit}: ${category.name}`} title={t.category.edit} onClick={() => onAsk({ what: 'category', category })} data-testid="edit-category"><PencilIcon /></button>
                <button type="button" className="icon-button tiny" aria-label={t.channel.createIn(category.name)} title={t.channel.create} onClick={() => onAsk({ what: 'create', category: category.id })} data-testid="create-channel"><PlusIcon /></button>
              </>
            )}
          </header>
          {rows(channelsOf(state, category.id))}
        </section>
      ))}
    </div>
  );
}

interface RowProps {
  channel: Channel;
  state: ServerState;
  current: boolean;
  onOpen: () => void;
  onCall: (() => void) | undefined;
  onEdit: (() => void) | undefined;
}

function ChannelRow({ channel, state, current, onOpen, onCall, onEdit }: RowProps) {
  const t = useT().community.channel;
  const nameOf = useNames(state);
  const isVoice = channel.kind === 'voice';
  const people = state.voices.get(channel.id) ?? [];
  const { unread = 0, mentions = 0 } = state.unread.get(channel.id) ?? {};
  return (
    <li className="channel-row" data-testid="channel" data-channel={channel.id} data-kind={channel.kind}>
      <div className={`channel-line${current ? ' current' : ''}${unread > 0 ? ' unread' : ''}`}>
        <button
          type="button"
          className="channel-button"
          aria-current={current ? 'page' : undefined}
          aria-label={isVoice && onCall ? t.joinNamed(channel.name) : undefined}
          onClick={isVoice && onCall ? onCall : onOpen}
          data-testid={isVoice ? 'voice-channel' : 'text-channel'}
        >
          {isVoice ? <SpeakerIcon /> : <HashIcon />}
          <span className="channel-name">{channel.name}</span>
          {channel.private && <span className="channel-lock" role="img" aria-label={t.private}><LockIcon /></span>}
          {!isVoice && <Badge unread={unread} mentions={mentions} />}
        </button>
        {isVoice && (
          <button type="button" className="icon-button tiny shown" aria-label={t.chat(channel.name)} title={t.chat(channel.name)} onClick={onOpen} data-testid="voice-chat">
            {unread > 0 ? <Badge unread={unread} mentions={mentions} /> : <ChatIcon />}
          </button>
        )}
        {onEdit && <button type="button" className="icon-button tiny" aria-label={`${t.edit}: ${channel.name}`} title={t.edit} onClick={onEdit} data-testid="edit-channel"><SettingsIcon /></button>}
      </div>
      {people.length > 0 && (
        <ul className="channel-people" aria-label={t.inCall(people.length)} data-testid="voice-people">
          {people.map((person) => (
            <li key={person.id}><Avatar name={nameOf(person)} id={person.id} /> <span className="person-text">{nameOf(person)}</span></li>
          ))}
        </ul>
      )}
    </li>
  );
}
