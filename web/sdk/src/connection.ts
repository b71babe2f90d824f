// One transport of a session: a socket.io socket that never reconnects by itself. What comes after its end is the client's affair.

import { io, type Socket } from 'socket.io-client';
import { ZzanError } from './errors.js';
import type { ServerEventName } from './protocol.js';

/** A connection that isn't ready by then is given up. */
const READY_TIMEOUT_MS = 10_000;

export interface ConnectionAuth {
  token: string;
  session?: string;
  /** The number of the last event of that session. */
  sn?: number;
}

export interface ConnectionListener {
  /** `sn` is the event's number, if it has one. */
  event(name: ServerEventName, payload: unknown, sn?: number): void;
  /** Called once, after which nothing else is. `error` tells why a handshake was refused. */
  ended(error: ZzanError): void;
}

/** What the client needs of a transport; tests give it another one. */
export interface Connection {
  /** Sends an event; `answered` is called at most once, with the raw ack. */
  send(name: string, payload: object, answered: (ack: unknown) => void): void;
  /** Says goodbye: the session ends. */
  close(): void;
  /** Ends the transport alone: the session goes on by another. */
  drop(): void;
}

export type Connect = (url: string, auth: ConnectionAuth, listener: ConnectionListener) => Connection;

export const connectSocketIo: Connect = (url, auth, listener) => {
  const socket: Socket = io(url, {
    auth,
    forceNew: true,
    reconnection: false,
    transports: ['websocket', 'polling'],
    tryAllTransports: true,
    timeout: READY_TIMEOUT_MS,
  });
  let over = false;
  const end = (error: ZzanError) => {
    if (over) return;
    over = true;
    clearTimeout(deadline);
    socket.offAny();
    socket.disconnect();
    listener.ended(error);
  };
  // A proxy may accept the transport and never let the handshake through.
  const deadline = setTimeout(() => end(new ZzanError('unreachable', 'the server did not answer')), READY_TIMEOUT_MS);
  socket.onAny((name: string, payload: unknown, sn?: number) => {
    if (over) return;
    if (name === 'session:ready') clearTimeout(deadline);
    listener.event(name as ServerEventName, payload, sn);
  });
  socket.on('connect_error', (error) => end(ZzanError.fromConnectError(error)));
  socket.on('disconnect', (reason) => end(new ZzanError('disconnected', `connection lost: ${reason}`)));
  const quit = (leave: () => void) => {
    over = true;
    clearTimeout(deadline);
    leave();
  };
  return {
    send: (name, payload, answered) => void socket.emit(name, payload, answered),
    close: () => quit(() => socket.disconnect()),
    // `disconnect` would tell the server that the user left, if the network lets that through after all.
    drop: () => quit(() => socket.io.engine.close()),
  };
};
