// Making and changing channels and categories.

import { useState } from 'react';
import type { Category, Channel, ChannelKind, CommunityServer, Private } from 'zzan-client';
import { useT } from '../i18n';
import { Confirm } from '../ui/Confirm';
import { Check, CheckList, FormDialog, isName, SelectField, TextField } from './fields';
import { roleName, useAction, useNames, useServer } from './hooks';

/** Seats of a voice channel that can be chosen. */
const SEATS = [2, 3, 4, 8, 12, 25, 50] as const;
const SEATS_FIRST = 4;

/** Pauses of slow channels that can be chosen, in seconds; 0 is none. */
const PAUSES = [0, 5, 10, 30, 60, 300, 900, 3_600, 21_600] as const;

interface Props {
  server: CommunityServer;
  /** Absent: a new one. */
  channel?: Channel | undefined;
  /** Where a new one goes. */
  category?: string | undefined;
  onClose: () => void;
}

export function ChannelDialog({ server, channel, category, onClose }: Props) {
  const t = useT();
  const words = t.community.channel;
  const state = useServer(server);
  const action = useAction();
  const nameOf = useNames(state);
  const [name, setName] = useState(channel?.name ?? '');
  const [kind, setKind] = useState<ChannelKind>(channel?.kind ?? 'text');
  const [seats, setSeats] = useState<number>(channel?.capacity ?? SEATS_FIRST);
  const [within, setWithin] = useState(channel ? (channel.category ?? '') : (category ?? ''));
  const [isPrivate, setIsPrivate] = useState(channel?.private !== undefined);
  const [roles, setRoles] = useState<string[]>(channel?.private?.roles ?? []);
  const [users, setUsers] = useState<string[]>(channel?.private?.users ?? [state.me.user.id]);
  const [pause, setPause] = useState<number>(channel?.slow_mode_s ?? 0);
  const [deleting, setDeleting] = useState(false);
  const listed: Private | undefined = isPrivate ? { users, roles } : undefined;

  const save = () =>
    action.run(() => {
      const shared = { name: name.trim(), ...(kind === 'voice' ? { capacity: seats } : {}) };
      if (channel) return server.ask('channel:update', { ...shared, channel: channel.id, category: within || null, private: listed ?? null, slow_mode_s: pause || null });
      return server.ask('channel:create', { ...shared, kind, ...(within ? { category: within } : {}), ...(listed ? { private: listed } : {}), ...(pause ? { slow_mode_s: pause } : {}) });
    }, onClose);

  return (
    <FormDialog
      title={channel ? words.edit : words.create}
      submit={channel ? words.save : words.create}
      action={action}
      ready={isName(name)}
      onSubmit={save}
      onClose={onClose}
      testId="channel-dialog"
      extra={channel && <button type="button" className="button ghost danger-text" onClick={() => setDeleting(true)} data-testid="delete-channel">{words.delete}</button>}
    >
      <TextField label={words.name} value={name} onChange={setName} testId="channel-name-input" autoFocus />
      {!channel && <SelectField label={words.kind} value={kind} options={[['text', words.text], ['voice', words.voice]]} onChange={setKind} testId="channel-kind" />}
      {kind === 'voice' && <SelectField label={words.seats} value={seats} options={withOwn(SEATS, seats).map((n) => [n, String(n)] as const)} onChange={setSeats} testId="channel-seats" />}
      <SelectField label={words.category} value={within} options={[['', words.noCategory], ...state.categories.map((one) => [one.id, one.name] as const)]} onChange={setWithin} testId="channel-category" />
      <SelectField label={words.slow} value={pause} options={withOwn(PAUSES, pause).map((s) => [s, s === 0 ? words.slowOff : words.slowEvery(s)] as const)} onChange={setPause} testId="channel-slow" />
      <Check text={words.isPrivate} checked={isPrivate} onChange={setIsPrivate} testId="channel-private" />
      {isPrivate && (
        <>
          <CheckList legend={words.roles} options={state.roles.map((role) => ({ id: role.id, text: roleName(role, t) }))} chosen={roles} onChange={setRoles} testId="private-roles" />
          <CheckList legend={words.users} options={(state.members ?? []).map(({ user }) => ({ id: user.id, text: nameOf(user) }))} chosen={users} onChange={setUsers} testId="private-users" />
        </>
      )}
      {deleting && channel && (
        <Confirm title={`${words.delete}: ${channel.name}`} text={words.deleteText} action={words.delete} onConfirm={() => server.ask('channel:delete', { channel: channel.id }).then(onClose)} onClose={() => setDeleting(false)} />
      )}
    </FormDialog>
  );
}

/** The choices, and what a backend has set beside them. */
function withOwn(choices: readonly number[], own: number): number[] {
  return [...new Set([...choices, own])].sort((a, b) => a - b);
}

export function CategoryDialog({ server, category, onClose }: { server: CommunityServer; category?: Category | undefined; onClose: () => void }) {
  const t = useT().community.category;
  const action = useAction();
  const [name, setName] = useState(category?.name ?? '');
  const [deleting, setDeleting] = useState(false);
  const save = () =>
    action.run(() => (category ? server.ask('category:update', { category: category.id, name: name.trim() }) : server.ask('category:create', { name: name.trim() })), onClose);
  return (
    <FormDialog
      title={category ? t.edit : t.create}
      submit={category ? t.save : t.create}
      action={action}
      ready={isName(name)}
      onSubmit={save}
      onClose={onClose}
      testId="category-dialog"
      extra={category && <button type="button" className="button ghost danger-text" onClick={() => setDeleting(true)} data-testid="delete-category">{t.delete}</button>}
    >
      <TextField label={t.name} value={name} onChange={setName} testId="category-name-input" autoFocus />
      {deleting && category && (
        <Confirm title={`${t.delete}: ${category.name}`} text={t.deleteText} action={t.delete} onConfirm={() => server.ask('category:delete', { category: category.id }).then(onClose)} onClose={() => setDeleting(false)} />
      )}
    </FormDialog>
  );
}
