// A server's roles: what each allows, in which colour its members stand.

import { useState } from 'react';
import { PERMISSIONS, rankOf, type CommunityServer, type Permission, type Role } from 'zzan-client';
import { useT } from '../i18n';
import { Confirm } from '../ui/Confirm';
import { Dialog } from '../ui/Dialog';
import { PencilIcon, PlusIcon } from '../ui/icons';
import { CheckList, ColorField, FormDialog, isName, TextField } from './fields';
import { cssColor, roleName, useAction, useServer } from './hooks';

export function RolesDialog({ server, onClose }: { server: CommunityServer; onClose: () => void }) {
  const t = useT();
  const words = t.community.roles;
  const state = useServer(server);
  const [edited, setEdited] = useState<Role | 'new'>();
  const own = rankOf(state, state.me.user.id, state.me.roles);
  if (edited) return <RoleDialog server={server} role={edited === 'new' ? undefined : edited} own={own} onClose={() => setEdited(undefined)} />;
  return (
    <Dialog title={words.title} onClose={onClose} testId="roles-dialog">
      <ul className="rows">
        {state.roles.map((role) => (
          <li key={role.id} className="row" data-testid="role">
            <span className="role-dot" style={role.color === undefined ? undefined : { background: cssColor(role.color) }} aria-hidden="true" />
            <span className="row-text">{roleName(role, t)}</span>
            <button type="button" className="icon-button" disabled={role.rank >= own} title={role.rank >= own ? words.fixed : roleName(role, t)} aria-label={roleName(role, t)} onClick={() => setEdited(role)} data-testid="edit-role"><PencilIcon /></button>
          </li>
        ))}
      </ul>
      <button type="button" className="button ghost" onClick={() => setEdited('new')} data-testid="create-role"><PlusIcon />{words.create}</button>
    </Dialog>
  );
}

function RoleDialog({ server, role, own, onClose }: { server: CommunityServer; role: Role | undefined; own: number; onClose: () => void }) {
  const t = useT();
  const words = t.community.roles;
  const state = useServer(server);
  const action = useAction();
  const [name, setName] = useState(role ? roleName(role, t) : '');
  const [color, setColor] = useState(role?.color);
  const [permissions, setPermissions] = useState<string[]>(role?.permissions ?? ['send', 'connect']);
  const [deleting, setDeleting] = useState(false);
  const save = () =>
    action.run(() => {
      const values = { name: name.trim(), permissions: permissions as Permission[] };
      if (role) return server.ask('role:update', { ...values, role: role.id, color: color ?? null });
      return server.ask('role:create', { ...values, rank: newRank(state.roles, own), ...(color === undefined ? {} : { color }) });
    }, onClose);
  return (
    <FormDialog
      title={role ? roleName(role, t) : words.create}
      submit={role ? words.save : words.create}
      action={action}
      ready={isName(name)}
      onSubmit={save}
      onClose={onClose}
      testId="role-dialog"
      extra={role?.kind === 'custom' && <button type="button" className="button ghost danger-text" onClick={() => setDeleting(true)} data-testid="delete-role">{words.delete}</button>}
    >
      <TextField label={words.name} value={name} onChange={setName} testId="role-name-input" autoFocus />
      <ColorField label={words.color} none={words.noColor} value={color} onChange={setColor} testId="role-color" />
      <CheckList
        legend={words.permissions}
        options={PERMISSIONS.map((id) => ({ id, text: words.may[id], disabled: !server.can(id) }))}
        chosen={permissions}
        onChange={setPermissions}
        testId="role-permissions"
      />
      {deleting && role && (
        <Confirm title={`${words.delete}: ${role.name}`} text={words.deleteText} action={words.delete} onConfirm={() => server.ask('role:delete', { role: role.id }).then(onClose)} onClose={() => setDeleting(false)} />
      )}
    </FormDialog>
  );
}

/** Just above the role that every member has, and below one's own. */
function newRank(roles: readonly Role[], own: number): number {
  const member = roles.find(({ kind }) => kind === 'member')?.rank ?? 0;
  return Math.max(0, Math.min(member + 1, own - 1));
}
