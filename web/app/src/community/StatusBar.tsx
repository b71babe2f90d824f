import { useId } from 'react';
import type { Community, ServerState, Status } from 'zzan-client';
import { useT } from '../i18n';
import { useAction } from './hooks';
import { Face } from './MemberList';

const STATUSES: readonly Status[] = ['auto', 'busy', 'away'];

/** Oneself, and how one wants to be seen. */
export function StatusBar({ community, state }: { community: Community; state: ServerState }) {
  const t = useT().community;
  const id = useId();
  const action = useAction();
  const { me } = state;
  const presence = state.members?.find(({ user }) => user.id === me.user.id)?.presence ?? 'online';
  const status: Status = presence === 'busy' || presence === 'away' ? presence : 'auto';
  const name = me.nickname ?? me.user.name;
  return (
    <footer className="status-bar">
      <Face name={name} id={me.user.id} presence={presence} />
      <span className="status-name" title={action.error}>{name}</span>
      <label htmlFor={id} className="visually-hidden">{t.status.title}</label>
      <select id={id} className="input small" value={status} disabled={action.busy} data-testid="status" onChange={(event) => action.run(() => community.setStatus(event.currentTarget.value as Status))}>
        {STATUSES.map((one) => <option key={one} value={one}>{t.status[one]}</option>)}
      </select>
    </footer>
  );
}
