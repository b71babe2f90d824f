// Links that let others in: making one, and those that are open.

import { useEffect, useState } from 'react';
import type { CommunityServer, Invite } from 'zzan-client';
import { useT } from '../i18n';
import { inviteUrl } from '../route';
import { Dialog } from '../ui/Dialog';
import { SelectField } from './fields';
import { useAction, useWhen } from './hooks';
import { InvitePerson } from './InvitePerson';

/** How long links last that can be chosen, in seconds; 0 is for good. */
const LIVES = { hour: 3_600, day: 86_400, week: 604_800, never: 0 } as const;

/** How often a link can be used; 0 is any number. */
const USES = [0, 1, 5, 10, 50, 100] as const;

export function InviteDialog({ server, onClose }: { server: CommunityServer; onClose: () => void }) {
  const t = useT().community.invite;
  const action = useAction();
  const [life, setLife] = useState<keyof typeof LIVES>('week');
  const [uses, setUses] = useState<number>(0);
  const [secret, setSecret] = useState<string>();
  const [made, setMade] = useState(0);
  const create = () =>
    action.run(async () => {
      const created = await server.ask('invite:create', { ...(LIVES[life] ? { ttl_s: LIVES[life] } : {}), ...(uses ? { max_uses: uses } : {}) });
      setSecret(created.secret);
      setMade((count) => count + 1);
    });
  return (
    <Dialog title={t.title} onClose={onClose} testId="invite-dialog">
      <div className="form">
        <div className="field-row">
          <SelectField label={t.expires} value={life} options={(Object.keys(LIVES) as (keyof typeof LIVES)[]).map((key) => [key, t.after[key]] as const)} onChange={setLife} testId="invite-life" />
          <SelectField label={t.uses} value={uses} options={USES.map((n) => [n, n === 0 ? t.unlimited : t.times(n)] as const)} onChange={setUses} testId="invite-uses" />
        </div>
        {action.error && <p className="field-error" role="alert" data-testid="action-error">{action.error}</p>}
        <button type="button" className="button primary" disabled={action.busy} onClick={create} data-testid="invite-create">{t.create}</button>
        {secret !== undefined && <InviteLink url={inviteUrl(secret)} />}
        <InvitePerson server={server} />
        {server.can('manage_invites') && <OpenInvites key={made} server={server} />}
      </div>
    </Dialog>
  );
}

function InviteLink({ url }: { url: string }) {
  const t = useT().community.invite;
  const [copied, setCopied] = useState(false);
  useEffect(() => setCopied(false), [url]);
  // Without a clipboard, as on a page without TLS, the link stands there to be copied by hand.
  const copy = () => void navigator.clipboard?.writeText(url).then(() => setCopied(true), () => undefined);
  return (
    <div className="field">
      <div className="field-row">
        <input className="input" readOnly value={url} aria-label={t.link} onFocus={(event) => event.target.select()} data-testid="invite-link" />
        <button type="button" className="button ghost" onClick={copy}><span aria-live="polite">{copied ? t.copied : t.copy}</span></button>
      </div>
      <p className="field-hint">{t.once}</p>
    </div>
  );
}

function OpenInvites({ server }: { server: CommunityServer }) {
  const t = useT().community.invite;
  const when = useWhen();
  const action = useAction();
  const [invites, setInvites] = useState<readonly Invite[]>();
  useEffect(() => action.run(async () => setInvites((await server.ask('invite:list', {})).invites)), [server]);
  const revoke = (invite: string) => action.run(() => server.ask('invite:revoke', { invite }), () => setInvites((known) => known?.filter(({ id }) => id !== invite)));
  return (
    <fieldset className="field">
      <legend>{t.list}</legend>
      {action.error && <p className="field-error" role="alert">{action.error}</p>}
      {invites?.length === 0 && <p className="muted small">{t.none}</p>}
      <ul className="rows">
        {invites?.map(({ id, created_by, expires_at, max_uses, uses }) => (
          <li key={id} className="row" data-testid="invite">
            <span className="row-text">
              <span>{max_uses === undefined ? t.usedAny(uses) : t.used(uses, max_uses)}</span>
              <span className="muted small">{expires_at === undefined ? t.forever : t.until(when(expires_at))}{created_by && ` · ${t.by(created_by.name)}`}</span>
            </span>
            <button type="button" className="button ghost small" disabled={action.busy} onClick={() => revoke(id)} data-testid="invite-revoke">{t.revoke}</button>
          </li>
        ))}
      </ul>
    </fieldset>
  );
}
