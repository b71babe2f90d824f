// What can go wrong for a person, in the words of the dictionary.

import { ZzanError, type RoomEnd } from 'zzan-client';
import type { Dictionary } from './i18n/en';

export type ProblemKind = Exclude<keyof Dictionary['problem'], 'rejoin' | 'takeOver'>;

export interface Problem {
  kind: ProblemKind;
  /** What the server said, where it says more than our words do. */
  detail?: string;
}

/** A refused join or request. */
export function problemOfError(cause: unknown): Problem {
  const error = ZzanError.from(cause);
  switch (error.code) {
    case 'room_full':
    case 'bad_password':
    case 'forbidden':
    case 'conflict':
    case 'unauthorized':
    case 'unsupported':
      return { kind: error.code };
    case 'not_found':
      return { kind: 'room_gone' };
    case 'link_invalid':
      return { kind: 'link_invalid', detail: error.message };
    case 'timeout':
    case 'disconnected':
    case 'unreachable':
    case 'closed':
      return { kind: 'unreachable' };
    case 'rate_limited':
    case 'unavailable':
      return { kind: 'busy' };
    case 'invalid':
    case 'too_large':
    case 'internal':
      return { kind: 'failed', detail: error.message };
  }
}

/** How a call ended. */
export function problemOfEnd({ reason, error }: RoomEnd): Problem {
  switch (reason) {
    case 'gone':
      return { kind: 'room_gone' };
    case 'refused':
      return problemOfError(error);
    case 'left':
    case 'replaced':
    case 'closed':
    case 'kicked':
    case 'failed':
      return { kind: reason };
  }
}

/** Problems that the join form stays open for. */
export function isMendable({ kind }: Problem): boolean {
  return ['room_full', 'bad_password', 'password_needed', 'unreachable', 'busy', 'conflict'].includes(kind);
}
