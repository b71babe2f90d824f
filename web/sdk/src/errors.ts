// The one error type of this package. A code is what a program acts on; the message is for people and may change.

import type { ErrorCode, WireError } from './protocol.gen.js';

/** Codes of the server, and those that arise in the client. */
export type ZzanErrorCode =
  | ErrorCode
  /** No answer in time; whether the request took effect is unknown. */
  | 'timeout'
  /** The connection went away before the answer; whether the request took effect is unknown. */
  | 'disconnected'
  /** The client was closed. */
  | 'closed'
  /** The server can't be reached. */
  | 'unreachable'
  /** A link that expired, is used up or never was. */
  | 'link_invalid'
  /** The browser has no WebRTC, or not what a room needs. */
  | 'unsupported';

const SERVER_CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'unauthorized', 'forbidden', 'not_found', 'conflict', 'room_full', 'bad_password', 'invalid', 'too_large', 'rate_limited', 'unavailable',
  'internal',
]);

export class ZzanError extends Error {
  readonly code: ZzanErrorCode;
  /** After how many milliseconds a retry makes sense, where the server said so. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ZzanErrorCode, message: string, retryAfterMs?: number) {
    super(message);
    this.name = 'ZzanError';
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  /** The error of an ack; an unknown code of a newer server counts as `internal`. */
  static fromWire(error: Partial<WireError> | undefined): ZzanError {
    const code = serverCode(error?.code) ?? 'internal';
    return new ZzanError(code, error?.message ?? code, error?.retry_after_ms);
  }

  /** A refused handshake: `data` has the error; a bare message starts with the code. */
  static fromConnectError(error: Error & { data?: unknown }): ZzanError {
    const data = error.data as Partial<WireError> | undefined;
    if (serverCode(data?.code)) return ZzanError.fromWire(data);
    const [head] = error.message.split(':');
    const code = serverCode(head);
    return code ? new ZzanError(code, error.message) : new ZzanError('unreachable', error.message);
  }

  static from(cause: unknown): ZzanError {
    if (cause instanceof ZzanError) return cause;
    return new ZzanError('internal', cause instanceof Error ? cause.message : String(cause));
  }

  /** The request may be sent again unchanged, provided that it carries a nonce or changes nothing. */
  get transient(): boolean {
    return ['timeout', 'disconnected', 'unavailable', 'unreachable', 'rate_limited'].includes(this.code);
  }
}

function serverCode(code: unknown): ErrorCode | undefined {
  return typeof code === 'string' && SERVER_CODES.has(code) ? (code as ErrorCode) : undefined;
}
