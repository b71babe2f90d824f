// One member: nickname and roles, and the ways to put somebody out.

import { useState } from 'react';
import { rankOf, type CommunityServer, type Member } from 'zzan-client';
import { useT } from '../i18n';
import { CheckList, FormDialog, fits, TextField } from './fields';
import { Face } from './MemberList';
import { roleName, useAction, useServer, useWhen } from './hooks';
import { Confirm } from '../ui/Confirm';
import { Dialog } from '../ui/Dialog';

/** The server's limit. */
const REASON_MAX = 500;

export function MemberDialog({ server, member, onClose }: { server: CommunityServer; member: Member; onClose: () => void }) {
  const t = useT();
  const words = t.community.members;
  const when = useWhen();
  const state = useServer(server);
  const action = useAction();
  const { user } = member;
  const name = member.nickname ?? user.name;
  const [nickname, setNickname] = useState(member.nickname ?? '');
  const [roles, setRoles] = useState<string[]>(member.roles);
  const [asked, setAsked] = useState<'kick' | 'ban'>();
  const isSelf = user.id === state.me.user.id;
  const own = rankOf(state, state.me.user.id, state.me.roles);
  const isBelow = !isSelf && rankOf(state, user.id, member.roles) < own;
  const mayRename = isSelf || (isBelow && server.can('manage_nicknames'));
  const mayAssign = (isSelf || isBelow) && server.can('manage_roles');

  const save = () =>
    action.run(
      () =>
        server.ask('member:update', {
          user: user.id,
          ...(mayRename && nickname.trim() !== (member.nickname ?? '') ? { nickname: nickname.trim() || null } : {}),
          ...(mayAssign && roles.join() !== member.roles.join() ? { roles } : {}),
        }),
      onClose,
    );

  if (asked === 'ban') return <BanDialog server={server} user={user.id} name={name} onClose={onClose} />;
  const facts = (
    <div className="member-facts">
      <Face name={name} id={user.id} presence={member.presence} />
      <span className="row-text">
        <strong>{user.name}</strong>
        <span className="muted small">{words.presence[member.presence]}{member.last_seen !== undefined && ` · ${words.lastSeen(when(member.last_seen))}`}</span>
      </span>
    </div>
  );
  if (!mayRename && !mayAssign && !(isBelow && (server.can('kick') || server.can('ban')))) {
    return <Dialog title={name} onClose={onClose} testId="member-dialog">{facts}</Dialog>;
  }
  return (
    <FormDialog
      title={name}
      submit={words.save}
      action={action}
      ready={(mayRename || mayAssign) && fits(nickname, 64)}
      onSubmit={save}
      onClose={onClose}
      testId="member-dialog"
      extra={
        isBelow && (
          <>
            {server.can('kick') && <button type="button" className="button ghost danger-text" onClick={() => setAsked('kick')} data-testid="kick-member">{words.kick}</button>}
            {server.can('ban') && <button type="button" className="button ghost danger-text" onClick={() => setAsked('ban')} data-testid="ban-member">{words.ban}</button>}
          </>
        )
      }
    >
      {facts}
      {mayRename && <TextField label={words.nickname} value={nickname} onChange={setNickname} hint={words.nicknameHint} testId="nickname-input" />}
      {mayAssign && (
        <CheckList
          legend={words.roles}
          options={state.roles.map((role) => ({ id: role.id, text: roleName(role, t), disabled: role.rank >= own }))}
          chosen={roles}
          onChange={setRoles}
          testId="member-roles"
        />
      )}
      {asked === 'kick' && (
        <Confirm title={words.kickTitle(name)} text={words.kickText} action={words.kick} onConfirm={() => server.ask('member:kick', { user: user.id }).then(onClose)} onClose={() => setAsked(undefined)} />
      )}
    </FormDialog>
  );
}

function BanDialog({ server, user, name, onClose }: { server: CommunityServer; user: string; name: string; onClose: () => void }) {
  const t = useT().community.members;
  const action = useAction();
  const [reason, setReason] = useState('');
  const ban = () => action.run(() => server.ask('member:ban', { user, ...(reason.trim() ? { reason: reason.trim() } : {}) }), onClose);
  return (
    <FormDialog title={t.banTitle(name)} submit={t.ban} action={action} ready={fits(reason, REASON_MAX)} onSubmit={ban} onClose={onClose} testId="ban-dialog">
      <p className="muted">{t.banText}</p>
      <TextField label={t.banReason} value={reason} onChange={setReason} max={REASON_MAX} testId="ban-reason" />
    </FormDialog>
  );
}
