// What came for one: newest first, each with what can be done about it.

import { useState } from 'react';
import type { Client, Notification } from 'zzan-client';
import { useShortWhen, useWhen } from '../community/hooks';
import { useT } from '../i18n';
import { CloseIcon } from '../ui/icons';
import { browserAlerts, switchBrowserAlerts, type BrowserAlerts } from './browser_alerts';
import { Entry } from './Entry';
import { sayingOf } from './entry';
import { tellsOfServers, useCommunityIf, useInbox } from './useInbox';

export function InboxPanel({ client, onClose }: { client: Client; onClose: () => void }) {
  const t = useT().inbox;
  const words = useT();
  const { inbox, state } = useInbox(client);
  const community = useCommunityIf(client, tellsOfServers(state));
  const [when, shortWhen] = [useWhen(), useShortWhen()];
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(false);
  const ask = (act: () => Promise<void>) => {
    setBusy(true);
    setFailed(false);
    act().catch(() => setFailed(true)).finally(() => setBusy(false));
  };
  const { notifications, unread, more, loaded, error } = state;
  const entry = (one: Notification) => (
    <Entry key={one.id} client={client} inbox={inbox} entry={one} said={sayingOf(one, words, community, when)} time={shortWhen(one.at)} onGone={onClose} />
  );
  return (
    <>
      <div className="inbox-head">
        <h2>{t.title}</h2>
        {unread > 0 && <button type="button" className="button ghost small" disabled={busy} onClick={() => ask(() => inbox.readAll())} data-testid="inbox-read-all">{t.readAll}</button>}
        <button type="button" className="icon-button" aria-label={t.close} onClick={onClose}><CloseIcon /></button>
      </div>
      <div className="inbox-scroll" tabIndex={-1}>
        {(failed || (error && !loaded)) && (
          <p className="field-error inbox-note" role="alert">
            {t.failed} {!loaded && <button type="button" className="link-button" onClick={() => void inbox.catchUp()}>{words.common.retry}</button>}
          </p>
        )}
        {loaded && notifications.length === 0 && (
          <div className="inbox-empty" data-testid="inbox-empty">
            <strong>{t.empty}</strong>
            <p className="muted small">{t.emptyText}</p>
          </div>
        )}
        {!loaded && !error && <p className="muted inbox-note" role="status">{words.common.loading}</p>}
        <ul className="inbox-list">{notifications.map(entry)}</ul>
        {more && <button type="button" className="button ghost small inbox-more" disabled={busy} onClick={() => ask(() => inbox.loadOlder())} data-testid="inbox-more">{busy ? words.common.loading : t.more}</button>}
      </div>
      <BrowserSwitch />
    </>
  );
}

function BrowserSwitch() {
  const t = useT().inbox.browser;
  const [state, setState] = useState<BrowserAlerts>(browserAlerts);
  const change = (on: boolean) => switchBrowserAlerts(on).then(setState, () => setState('missing'));
  return (
    <footer className="inbox-foot">
      <label className="check">
        <input type="checkbox" role="switch" checked={state === 'on'} disabled={state === 'missing'} data-testid="browser-alerts" onChange={(event) => void change(event.currentTarget.checked)} />
        <span>{t.switch}</span>
      </label>
      <p className="muted small" role="status" data-testid="browser-alerts-state">{state === 'denied' ? t.denied : state === 'missing' ? t.missing : t.text}</p>
    </footer>
  );
}
