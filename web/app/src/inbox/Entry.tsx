// One entry of the inbox.

import type { Client, Notification, Notifications } from 'zzan-client';
import { useAction } from '../community/hooks';
import { useT } from '../i18n';
import { navigate, serverPath } from '../route';
import { Avatar } from '../ui/Avatar';
import { BellIcon, CalendarIcon, CheckIcon } from '../ui/icons';
import { wayOf, type Said, type Way } from './entry';
import { markRead } from './useInbox';

interface Props {
  client: Client;
  inbox: Notifications;
  entry: Notification;
  said: Said;
  time: string;
  /** One went elsewhere by it. */
  onGone: () => void;
}

export function Entry({ client, inbox, entry, said, time, onGone }: Props) {
  const t = useT().inbox;
  const { about, read } = entry;
  const way = wayOf(entry);
  const text = (
    <>
      <strong className="inbox-title">{said.title}</strong>
      {said.text !== undefined && <span className="inbox-body">{said.text}</span>}
      <span className="inbox-time">
        <time dateTime={entry.at}>{time}</time>
        {!read && <span className="visually-hidden">, {t.unread}</span>}
      </span>
    </>
  );
  return (
    <li className={read ? 'inbox-entry' : 'inbox-entry unread'} data-testid="inbox-entry" data-kind={about.kind} data-read={read} data-seq={entry.seq}>
      <Picture entry={entry} />
      <div className="inbox-text">
        {way ? <EntryLink way={way} onFollow={() => markRead(inbox, entry)} onGone={onGone}>{text}</EntryLink> : text}
        {about.kind === 'server_invite' && <Answer client={client} entry={entry} onGone={onGone} />}
      </div>
      {!read && (
        <button type="button" className="icon-button tiny" aria-label={`${t.read}: ${said.title}`} title={t.read} onClick={() => markRead(inbox, entry)} data-testid="inbox-read"><CheckIcon /></button>
      )}
    </li>
  );
}

/** A link as any other: a click with a key held opens it elsewhere. */
function EntryLink({ way, onFollow, onGone, children }: { way: Way; onFollow: () => void; onGone: () => void; children: React.ReactNode }) {
  return (
    <a
      className="inbox-link"
      href={way.href}
      {...(way.inside ? {} : { target: '_blank', rel: 'noopener noreferrer' })}
      data-testid="inbox-link"
      onClick={(event) => {
        onFollow();
        if (!way.inside || event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        onGone();
        navigate(way.href);
      }}
    >
      {children}
    </a>
  );
}

function Picture({ entry: { about } }: { entry: Notification }) {
  if ('by' in about) return <Avatar name={about.by.name} id={about.by.id} />;
  return <span className="inbox-icon" aria-hidden="true">{about.kind === 'schedule' ? <CalendarIcon /> : <BellIcon />}</span>;
}

/** An invitation into a server is answered here. */
function Answer({ client, entry: { id, about }, onGone }: { client: Client; entry: Notification; onGone: () => void }) {
  const t = useT().inbox;
  const action = useAction();
  if (about.kind !== 'server_invite') return null;
  if (about.state !== 'open') return <span className="muted small" data-testid="inbox-answered">{t[about.state]}</span>;
  const accept = () =>
    action.run(async () => {
      const server = await client.community().answer(id, true);
      if (!server) return;
      onGone();
      navigate(serverPath(server.id));
    });
  return (
    <span className="inbox-actions">
      <button type="button" className="button primary small" disabled={action.busy} onClick={accept} data-testid="inbox-accept">{t.accept}</button>
      <button type="button" className="button ghost small" disabled={action.busy} onClick={() => action.run(() => client.community().answer(id, false))} data-testid="inbox-decline">{t.decline}</button>
      {action.error && <span className="field-error" role="alert">{action.error}</span>}
    </span>
  );
}
