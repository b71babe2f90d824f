// How a message changes what is unread of its channel. Pure; counts as the server does, so that both agree without asking.

import type { Membership, Message, Unread } from '../protocol.gen.js';

/** Of a channel that one came to just now, until the server has counted. */
export const NOTHING_READ = { head_seq: 0, read_seq: 0, unread: 0, mentions: 0 } as const;

/** Whether a message mentions somebody, by name, by a role or with everyone. */
export function isMeant(message: Message, { user, roles }: Membership): boolean {
  return (message.mentions ?? []).some(({ kind, id }) => {
    switch (kind) {
      case 'everyone':
        return true;
      case 'user':
        return id === user.id;
      case 'role':
        return id !== undefined && roles.includes(id);
    }
  });
}

/** The count after a message. One's own message reads all before it. `read`: it is in sight. The same message twice counts once. */
export function count(before: Unread, message: Message, me: Membership, read: boolean): Unread {
  if (message.seq <= before.head_seq) return before;
  if (read || message.author.id === me.user.id) return { channel: before.channel, head_seq: message.seq, read_seq: message.seq, unread: 0, mentions: 0 };
  return { ...before, head_seq: message.seq, unread: before.unread + 1, mentions: before.mentions + (isMeant(message, me) ? 1 : 0) };
}

/** Whether the count can't be trusted after this message, because others before it are missing. */
export function isSkipped(before: Unread, message: Message): boolean {
  return message.seq > before.head_seq + 1;
}
