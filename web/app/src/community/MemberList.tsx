// The members by their highest role, with how they are there.

import type { Member, Presence, ServerState } from 'zzan-client';
import { useT, useWords } from '../i18n';
import { Avatar } from '../ui/Avatar';
import { colorOf, roleName, useShortWhen } from './hooks';

interface Group {
  id: string;
  name: string;
  members: readonly Member[];
}

interface Props {
  state: ServerState;
  onMember: (member: Member) => void;
}

export function MemberList({ state, onMember }: Props) {
  const { t } = useWords();
  const words = t.community.members;
  const members = state.members ?? [];
  return (
    <div className="member-list" data-testid="member-list" aria-busy={state.members === undefined}>
      <h2 className="member-count muted small">{words.count(members.length)}</h2>
      {groups(state, members, words.owner, (role) => (state.info.subject === undefined ? roleName(role, t) : t.direct.people), t.community.roles.kinds.member).map((group) => (
        <section key={group.id} aria-label={group.name}>
          <h3>{group.name} · {group.members.length}</h3>
          <ul>{group.members.map((member) => <li key={member.user.id}><MemberRow member={member} state={state} onMember={onMember} /></li>)}</ul>
        </section>
      ))}
    </div>
  );
}

function MemberRow({ member, state, onMember }: { member: Member; state: ServerState; onMember: (member: Member) => void }) {
  const t = useT().community.members;
  const when = useShortWhen();
  const { user, nickname, roles, presence, last_seen } = member;
  const name = nickname ?? user.name;
  const color = colorOf(state, roles);
  return (
    <button type="button" className={`member ${presence}`} title={t.edit(name)} onClick={() => onMember(member)} data-testid="member" data-user={user.id} data-presence={presence}>
      <Face name={name} id={user.id} presence={presence} />
      <span className="member-text">
        <span className="member-name" style={color === undefined ? undefined : { color }}>{name}</span>
        {presence === 'offline' && last_seen !== undefined && <span className="member-seen">{t.lastSeen(when(last_seen))}</span>}
        <span className={presence === 'busy' || presence === 'away' ? 'member-seen' : 'visually-hidden'}>{t.presence[presence]}</span>
      </span>
    </button>
  );
}

export function Face({ name, id, presence }: { name: string; id: string; presence: Presence }) {
  return (
    <span className="face">
      <Avatar name={name} id={id} />
      <span className={`presence ${presence}`} aria-hidden="true" />
    </span>
  );
}

/** Under the owner, then each role by rank, then whoever has none. Who is there comes first. */
function groups(state: ServerState, members: readonly Member[], owner: string, named: (role: ServerState['roles'][number]) => string, others: string): Group[] {
  const groupOf = (member: Member) => (member.user.id === state.info.owner ? 'owner' : (state.roles.find(({ id }) => member.roles.includes(id))?.id ?? 'others'));
  const order = [{ id: 'owner', name: owner }, ...state.roles.map((role) => ({ id: role.id, name: named(role) })), { id: 'others', name: others }];
  return order.flatMap(({ id, name }) => {
    const here = members.filter((member) => groupOf(member) === id);
    const away = (member: Member) => Number(member.presence === 'offline');
    return here.length === 0 ? [] : [{ id, name, members: here.sort((a, b) => away(a) - away(b)) }];
  });
}
