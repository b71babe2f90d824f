// A transport whose other end is the test.

import type { Connect, Connection, ConnectionAuth, ConnectionListener } from '../src/connection.js';
import { ZzanError } from '../src/errors.js';
import type { ServerEventName } from '../src/protocol.js';

export interface Sent {
  name: string;
  payload: object;
  answer: (ack: unknown) => void;
}

export class FakeConnection implements Connection {
  readonly sent: Sent[] = [];
  closed = false;
  dropped = false;

  constructor(readonly auth: ConnectionAuth, private readonly listener: ConnectionListener) {}

  send(name: string, payload: object, answered: (ack: unknown) => void): void {
    this.sent.push({ name, payload, answer: answered });
  }

  close(): void {
    this.closed = true;
  }

  drop(): void {
    this.dropped = true;
  }

  push(name: ServerEventName, payload: unknown, sn?: number): void {
    this.listener.event(name, payload, sn);
  }

  ready(session: string, extra: object = {}): void {
    this.push('session:ready', { session, resumed: false, sn: 0, resync: false, expires_in_ms: 60_000, ...extra });
  }

  lose(error = new ZzanError('disconnected', 'lost')): void {
    this.listener.ended(error);
  }

  /** The requests of a name, oldest first. */
  requests(name: string): Sent[] {
    return this.sent.filter((sent) => sent.name === name);
  }
}

export class FakeServer {
  readonly connections: FakeConnection[] = [];

  readonly connect: Connect = (_url, auth, listener) => {
    const connection = new FakeConnection(auth, listener);
    this.connections.push(connection);
    return connection;
  };

  get last(): FakeConnection {
    const connection = this.connections.at(-1);
    if (!connection) throw new Error('nobody connected');
    return connection;
  }
}
