// Making a server, and its settings: name, picture, owner, bans, and the ways out of it.

import { useEffect, useState } from 'react';
import type { Ban, Community, CommunityServer } from 'zzan-client';
import { useT } from '../i18n';
import { navigate, serverPath } from '../route';
import { Confirm } from '../ui/Confirm';
import { Dialog } from '../ui/Dialog';
import { NAME_MAX } from '../ui/NameField';
import { fits, FormDialog, isName, SelectField, TextField } from './fields';
import { useAction, useNames, useServer } from './hooks';

/** The server's limit. */
const URL_MAX = 2_048;

export function CreateServerDialog({ community, name, onClose }: { community: Community; name: string; onClose: () => void }) {
  const t = useT().community;
  const action = useAction();
  const [title, setTitle] = useState(() => [...t.create.suggestion(name)].slice(0, NAME_MAX).join(''));
  const [image, setImage] = useState('');
  const submit = () =>
    action.run(async () => {
      const url = image.trim();
      const server = await community.create({ name: title.trim(), defaults: t.defaults, ...(url ? { image_url: url } : {}) });
      navigate(serverPath(server.id));
    }, onClose);
  return (
    <FormDialog title={t.create.title} submit={t.create.submit} action={action} ready={isName(title) && isImage(image)} onSubmit={submit} onClose={onClose} testId="create-server-dialog">
      <TextField label={t.create.name} value={title} onChange={setTitle} testId="server-name-input" autoFocus />
      <TextField label={t.create.image} value={image} onChange={setImage} max={URL_MAX} type="url" testId="server-image-input" />
    </FormDialog>
  );
}

/** An https address, or none. */
function isImage(url: string): boolean {
  return url.trim() === '' || (/^https:\/\/[^/]/.test(url.trim()) && fits(url, URL_MAX));
}

export function ServerSettingsDialog({ server, onClose }: { server: CommunityServer; onClose: () => void }) {
  const t = useT().community;
  const state = useServer(server);
  const action = useAction();
  const [title, setTitle] = useState(state.info.name);
  const [image, setImage] = useState(state.info.image_url ?? '');
  const [asked, setAsked] = useState<'delete' | 'transfer'>();
  const [heir, setHeir] = useState('');
  const nameOf = useNames(state);
  const isOwner = state.info.owner === state.me.user.id;
  const others = (state.members ?? []).filter(({ user }) => user.id !== state.me.user.id);
  const heirName = nameOf(others.find(({ user }) => user.id === heir)?.user ?? { id: '', name: '' });
  const submit = () => action.run(() => server.ask('server:update', { name: title.trim(), image_url: image.trim() || null }), onClose);
  return (
    <FormDialog
      title={t.settings.title}
      submit={t.settings.save}
      action={action}
      ready={server.can('manage_server') && isName(title) && isImage(image)}
      onSubmit={submit}
      onClose={onClose}
      testId="server-settings"
      extra={isOwner && <button type="button" className="button ghost danger-text" onClick={() => setAsked('delete')} data-testid="delete-server">{t.settings.delete}</button>}
    >
      {server.can('manage_server') && (
        <>
          <TextField label={t.create.name} value={title} onChange={setTitle} testId="server-name-input" />
          <TextField label={t.create.image} value={image} onChange={setImage} max={URL_MAX} type="url" testId="server-image-input" />
        </>
      )}
      {isOwner && others.length > 0 && (
        <div className="field-row">
          <SelectField label={t.settings.transfer} value={heir} options={[['', t.settings.choose], ...others.map(({ user }) => [user.id, nameOf(user)] as const)]} onChange={setHeir} testId="transfer-to" />
          <button type="button" className="button ghost" disabled={heir === ''} onClick={() => setAsked('transfer')} data-testid="transfer">{t.settings.transferSubmit}</button>
        </div>
      )}
      {server.can('ban') && <Bans server={server} />}
      {asked === 'delete' && <Confirm title={`${t.settings.delete}: ${state.info.name}`} text={t.settings.deleteText} action={t.settings.delete} onConfirm={() => server.ask('server:delete', {}).then(() => undefined)} onClose={() => setAsked(undefined)} />}
      {asked === 'transfer' && <Confirm title={`${t.settings.transferSubmit}: ${heirName}`} text={t.settings.transferText(heirName)} action={t.settings.transferSubmit} onConfirm={() => server.ask('server:transfer', { to: heir }).then(() => undefined)} onClose={() => setAsked(undefined)} />}
    </FormDialog>
  );
}

function Bans({ server }: { server: CommunityServer }) {
  const t = useT().community.settings;
  const action = useAction();
  const [bans, setBans] = useState<readonly Ban[]>();
  useEffect(() => action.run(async () => setBans((await server.ask('member:bans', {})).bans)), [server]);
  const lift = (user: string) => action.run(() => server.ask('member:unban', { user }), () => setBans((known) => known?.filter((ban) => ban.user.id !== user)));
  return (
    <fieldset className="field" data-testid="bans">
      <legend>{t.bans}</legend>
      {bans?.length === 0 && <p className="muted small">{t.noBans}</p>}
      {action.error && <p className="field-error" role="alert">{action.error}</p>}
      <ul className="rows">
        {bans?.map(({ user, reason }) => (
          <li key={user.id} className="row" data-testid="ban">
            <span className="row-text"><strong>{user.name}</strong>{reason && <span className="muted small">{reason}</span>}</span>
            <button type="button" className="button ghost small" disabled={action.busy} onClick={() => lift(user.id)} data-testid="unban">{t.unban}</button>
          </li>
        ))}
      </ul>
    </fieldset>
  );
}

export function LeaveDialog({ server, onClose }: { server: CommunityServer; onClose: () => void }) {
  const t = useT();
  const words = t.community;
  const { info, me } = useServer(server);
  if (info.owner === me.user.id) {
    return (
      <Dialog title={words.settings.leave} onClose={onClose} testId="owner-leaves">
        <p className="muted">{words.problem.ownerLeaves}</p>
        <div className="dialog-actions"><button type="button" className="button primary" onClick={onClose}>{t.common.close}</button></div>
      </Dialog>
    );
  }
  return <Confirm title={`${words.settings.leave}: ${info.name}`} text={words.settings.leaveText} action={words.settings.leave} onConfirm={() => server.ask('server:leave', {}).then(() => undefined)} onClose={onClose} />;
}
