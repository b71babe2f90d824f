// What comes while one does something else: shown for a moment, on the page or by the browser, each once. What one looks at is not told again.

import { useEffect, useRef, useState } from 'react';
import type { Client, Community, Notification, Notifications } from 'zzan-client';
import { useWhen } from '../community/hooks';
import { isPageHidden, usePageHidden } from '../hooks/usePageHidden';
import { useT } from '../i18n';
import { parseRoute, useLocation } from '../route';
import { setWaiting } from '../title';
import { CloseIcon } from '../ui/icons';
import { alertInBrowser } from './browser_alerts';
import { channelOf, sayingOf, seenElsewhere, wayOf } from './entry';
import { followEntry, tellsOfServers, useCommunityIf, useInbox } from './useInbox';

const ALERT_MS = 8_000;

/** Alerts shown at a time. */
const ALERTS_MAX = 3;

export function Alerts({ client }: { client: Client }) {
  const t = useT();
  const when = useWhen();
  const { inbox, state } = useInbox(client);
  const { path } = useLocation();
  const route = parseRoute(path);
  const community = useCommunityIf(client, route.screen === 'servers' || tellsOfServers(state));
  const [alerts, setAlerts] = useState<readonly Notification[]>([]);
  const inCall = route.screen === 'room';
  const say = (entry: Notification) => sayingOf(entry, t, community, when);

  const isSeen = (entry: Notification) => {
    return !isPageHidden() && route.screen === 'servers' && channelOf(entry) !== undefined && channelOf(entry) === route.channel;
  };
  const come = (entry: Notification) => {
    if (entry.read || isSeen(entry)) return;
    // The page of servers says itself what is due in them.
    const isSaid = route.screen === 'servers' && entry.about.kind === 'schedule';
    if (!isSaid) setAlerts((shown) => [...shown.filter(({ id }) => id !== entry.id).slice(1 - ALERTS_MAX), entry]);
    const said = say(entry);
    alertInBrowser({ id: entry.id, title: said.title, text: said.text, onClick: () => followEntry(inbox, entry, inCall) });
  };
  const heard = useRef(come);
  heard.current = come;
  useEffect(() => {
    setAlerts([]);
    return inbox.on('new', (entry) => heard.current(entry));
  }, [inbox]);

  useEffect(() => setWaiting(state.unread), [state.unread]);
  useEffect(() => () => setWaiting(0), []);

  useReadAlong(inbox, community);

  const dismiss = (id: string) => setAlerts((shown) => shown.filter((one) => one.id !== id));
  const isRead = (id: string) => state.notifications.some((one) => one.id === id && one.read);
  return (
    <div className="alerts" role="status" aria-live="polite" data-testid="alerts">
      {alerts.filter(({ id }) => !isRead(id)).map((entry) => {
        const { title, text } = say(entry);
        const open = () => {
          dismiss(entry.id);
          followEntry(inbox, entry, inCall);
        };
        return <Alert key={entry.id} title={title} text={text} onOpen={wayOf(entry) && open} onDismiss={() => dismiss(entry.id)} />;
      })}
    </div>
  );
}

/** What one reads in its channel is read in the inbox too. */
function useReadAlong(inbox: Notifications, community: Community | undefined): void {
  useEffect(() => {
    if (!community) return undefined;
    const asked = new Set<string>();
    const look = () => {
      const seen = seenElsewhere(inbox.state.notifications, community).filter((id) => !asked.has(id));
      if (seen.length === 0) return;
      seen.forEach((id) => asked.add(id));
      inbox.read(seen).catch(() => seen.forEach((id) => asked.delete(id)));
    };
    look();
    const offs = [community.on('server', look), community.on('change', look), inbox.on('change', look)];
    return () => offs.forEach((off) => off());
  }, [community, inbox]);
}

interface AlertProps {
  title: string;
  text: string | undefined;
  /** Given where it leads somewhere. */
  onOpen: (() => void) | undefined;
  onDismiss: () => void;
}

/** It goes by itself, but not while somebody is at it or can't see it. */
function Alert({ title, text, onOpen, onDismiss }: AlertProps) {
  const t = useT().inbox;
  const hidden = usePageHidden();
  const [held, setHeld] = useState(false);
  const dismiss = useRef(onDismiss);
  dismiss.current = onDismiss;
  useEffect(() => {
    if (hidden || held) return undefined;
    const timer = setTimeout(() => dismiss.current(), ALERT_MS);
    return () => clearTimeout(timer);
  }, [hidden, held]);
  const words = (
    <>
      <strong>{title}</strong>
      {text !== undefined && <span>{text}</span>}
    </>
  );
  return (
    <div className="alert" data-testid="alert" onMouseEnter={() => setHeld(true)} onMouseLeave={() => setHeld(false)} onFocus={() => setHeld(true)} onBlur={() => setHeld(false)}>
      {onOpen ? <button type="button" className="alert-text" onClick={onOpen} data-testid="alert-open">{words}</button> : <div className="alert-text">{words}</div>}
      <button type="button" className="icon-button tiny" aria-label={t.dismiss} title={t.dismiss} onClick={onDismiss} data-testid="alert-dismiss"><CloseIcon /></button>
    </div>
  );
}
