// A session: one connection at a time, replaced until it is closed. Knows events and answers, but not what they mean.

import { Backoff } from './backoff.js';
import { Community } from './community/community.js';
import { connectSocketIo, type Connect, type Connection } from './connection.js';
import { Emitter, type Unsubscribe } from './emitter.js';
import { ZzanError } from './errors.js';
import { Notifications } from './notifications.js';
import type { AnswerOf, RequestName, RequestOf, ServerEventName, ServerEvents } from './protocol.js';
import type { SessionReady } from './protocol.gen.js';

/** An answer that takes longer is taken for lost. */
const REQUEST_TIMEOUT_MS = 10_000;

/** A network that just came back needs a moment for its routes. */
const ONLINE_SETTLE_MS = 50;

/** Why a token is asked for: the first one or a reconnect's, or a new one because the old one (nearly) expired. */
export type TokenReason = 'connect' | 'expired';

export interface ClientOptions {
  /** Origin of the server; the page's own when absent. */
  url?: string;
  /** Must give a fresh token when asked for `expired`; a rejection ends the client. */
  token: (reason: TokenReason) => string | Promise<string>;
  /** For tests. */
  connect?: Connect;
  random?: () => number;
}

export type ClientState = 'idle' | 'connecting' | 'ready' | 'reconnecting' | 'closed';

interface ClientEvents {
  state: ClientState;
  /** The client gave up: the server refused it for good. */
  failed: ZzanError;
}

interface Pending {
  reject: (error: ZzanError) => void;
  start: (connection: Connection) => void;
  sent: boolean;
}

export class Client {
  private readonly own = new Emitter<ClientEvents>();
  private readonly server = new Emitter<ServerEvents>();
  private readonly pending = new Set<Pending>();
  private readonly backoff: Backoff;
  private readonly url: string;
  private connection: Connection | undefined;
  /** Counts connections, so that a late token of an earlier attempt is dropped. */
  private epoch = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private session: string | undefined;
  /** The number of the last event of this session that was heard. */
  private heard: number | undefined;
  /** What helps a PeerConnection to find a path; fresh with every connection. */
  iceServers: RTCIceServer[] = [];
  private needsFreshToken = false;
  private refused = 0;
  private isReady = false;
  private current: ClientState = 'idle';
  private wakeups: Unsubscribe[] = [];
  private ownCommunity: Community | undefined;
  private inbox: Notifications | undefined;

  constructor(private readonly options: ClientOptions) {
    this.backoff = new Backoff(options.random);
    this.url = options.url ?? globalThis.location?.origin ?? '';
  }

  get state(): ClientState {
    return this.current;
  }

  on<N extends keyof ClientEvents>(name: N, listener: (payload: ClientEvents[N]) => void): Unsubscribe {
    return this.own.on(name, listener);
  }

  /** Hears a server event, on this connection and all later ones. */
  onEvent<N extends ServerEventName>(name: N, listener: (payload: ServerEvents[N]) => void): Unsubscribe {
    return this.server.on(name, listener);
  }

  /** One's servers, followed from the first call on; the same object each time. It ends with the client. */
  community(): Community {
    this.ownCommunity ??= new Community(this);
    return this.ownCommunity;
  }

  /** The user's inbox, the same one each time. For `user` tokens. */
  notifications(): Notifications {
    return (this.inbox ??= new Notifications(this));
  }

  /** Connects and stays connected until `close`. Further calls do nothing. */
  open(): void {
    if (this.current !== 'idle') return;
    this.listenForWakeups();
    this.attempt('connecting');
  }

  /** Ends the session; requests under way reject with `closed`. */
  close(): void {
    if (this.current === 'closed') return;
    this.stop(new ZzanError('closed', 'the client was closed'));
  }

  /**
   * Tells the server by a beacon that the page is going away, so that the seat is given up after seconds rather than after a heartbeat.
   * Reconnecting with the same page state within the grace keeps the seat.
   */
  unload(): void {
    if (!this.session) return;
    navigator.sendBeacon(`${this.url}/v1/unload`, JSON.stringify({ session: this.session }));
  }

  /**
   * Sends an event and waits for its answer. While there is no connection the request waits for one, within the same time-out.
   * Rejects with a {@link ZzanError}.
   */
  request<N extends RequestName>(name: N, payload: RequestOf<N>, timeoutMs = REQUEST_TIMEOUT_MS): Promise<AnswerOf<N>> {
    if (this.current === 'closed') return Promise.reject(new ZzanError('closed', 'the client is closed'));
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        if (!this.pending.delete(entry)) return;
        clearTimeout(timeout);
        act();
      };
      const entry: Pending = {
        sent: false,
        reject: (error) => settle(() => reject(error)),
        start: (connection) => {
          entry.sent = true;
          connection.send(name, payload, (ack) => settle(() => answer(ack, resolve, reject)));
        },
      };
      const timeout = setTimeout(() => entry.reject(new ZzanError('timeout', `${name}: no answer in time`)), timeoutMs);
      this.pending.add(entry);
      if (this.isReady && this.connection) entry.start(this.connection);
    });
  }

  /** Resolves when there is a connection. Rejects when the client is closed meanwhile, or there is none in time. */
  whenReady(timeoutMs = REQUEST_TIMEOUT_MS): Promise<void> {
    if (this.isReady) return Promise.resolve();
    if (this.current === 'closed') return Promise.reject(new ZzanError('closed', 'the client is closed'));
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timeout);
        off();
        act();
      };
      const timeout = setTimeout(() => settle(() => reject(new ZzanError('timeout', 'no connection in time'))), timeoutMs);
      const off = this.own.on('state', (state) => {
        if (state === 'ready') settle(resolve);
        if (state === 'closed') settle(() => reject(new ZzanError('closed', 'the client was closed')));
      });
    });
  }

  /** Drops the transport and reconnects at once: for when the network changed under it. */
  reconnect(): void {
    if (this.current === 'closed' || this.current === 'idle') return;
    this.connection?.drop();
    this.lost(new ZzanError('disconnected', 'reconnecting'));
  }

  private attempt(state: 'connecting' | 'reconnecting'): void {
    this.setState(state);
    const epoch = ++this.epoch;
    this.timer = setTimeout(() => void this.connect(epoch), this.backoff.next());
  }

  private async connect(epoch: number): Promise<void> {
    this.timer = undefined;
    let token: string;
    try {
      token = await this.options.token(this.needsFreshToken ? 'expired' : 'connect');
    } catch (cause) {
      if (epoch !== this.epoch) return;
      const error = ZzanError.from(cause);
      return error.transient ? this.lost(error) : this.stop(error);
    }
    if (epoch !== this.epoch) return;
    const auth = {
      token,
      ...(this.session === undefined ? {} : { session: this.session }),
      ...(this.session === undefined || this.heard === undefined ? {} : { sn: this.heard }),
    };
    this.connection = (this.options.connect ?? connectSocketIo)(this.url, auth, {
      event: (name, payload, sn) => epoch === this.epoch && this.receive(name, payload, sn),
      ended: (error) => epoch === this.epoch && this.lost(error),
    });
  }

  private receive(name: ServerEventName, payload: unknown, sn: number | undefined): void {
    if (sn !== undefined) {
      if (this.heard !== undefined && sn <= this.heard) return;
      this.heard = sn;
    }
    if (name === 'session:ready') this.ready(payload as SessionReady);
    if (name === 'session:expiring') void this.refresh();
    this.server.emit(name, payload as never);
    // Waiting requests go out after the listeners of `session:ready`, so that a room rejoins before its chat asks for more.
    if (name === 'session:ready' && this.connection) {
      for (const entry of [...this.pending]) if (!entry.sent) entry.start(this.connection);
    }
  }

  private ready(ready: SessionReady): void {
    this.session = ready.session;
    // What was missed came before this. A new session counts anew.
    this.heard = ready.sn;
    this.iceServers = ready.ice_servers ?? [];
    this.backoff.reset();
    this.refused = 0;
    this.needsFreshToken = false;
    this.isReady = true;
    this.setState('ready');
  }

  private async refresh(): Promise<void> {
    try {
      await this.request('session:refresh', { token: await this.options.token('expired') });
    } catch (error) {
      // The server ends the session when the token expires; the next handshake asks for a new one again.
      console.warn('zzan: the token could not be refreshed', error);
    }
  }

  private lost(error: ZzanError): void {
    this.isReady = false;
    this.connection = undefined;
    clearTimeout(this.timer);
    for (const entry of [...this.pending]) if (entry.sent) entry.reject(new ZzanError('disconnected', error.message));
    if (error.code === 'unauthorized' || error.code === 'forbidden') {
      this.refused += 1;
      this.needsFreshToken = true;
      // Refused although the token was fresh: no further attempt can go better.
      if (this.refused > 1) return this.stop(error);
    }
    this.attempt(this.session === undefined ? 'connecting' : 'reconnecting');
  }

  private stop(error: ZzanError): void {
    this.epoch += 1;
    this.isReady = false;
    clearTimeout(this.timer);
    this.connection?.close();
    this.connection = undefined;
    for (const off of this.wakeups) off();
    this.ownCommunity?.close();
    this.setState('closed');
    for (const entry of [...this.pending]) entry.reject(error);
    if (error.code !== 'closed') this.own.emit('failed', error);
  }

  private setState(state: ClientState): void {
    if (this.current === state) return;
    this.current = state;
    this.own.emit('state', state);
  }

  /** Waiting out a delay is pointless once the network is back or someone looks at the page again. */
  private listenForWakeups(): void {
    if (typeof window === 'undefined') return;
    const hurry = () => {
      if (this.timer === undefined || document.visibilityState === 'hidden') return;
      clearTimeout(this.timer);
      const epoch = ++this.epoch;
      this.timer = setTimeout(() => void this.connect(epoch), ONLINE_SETTLE_MS);
    };
    // A socket seldom outlives the network that it was opened on, and is told nothing of its end.
    const online = () => (this.isReady ? this.reconnect() : hurry());
    window.addEventListener('online', online);
    document.addEventListener('visibilitychange', hurry);
    this.wakeups = [
      () => window.removeEventListener('online', online),
      () => document.removeEventListener('visibilitychange', hurry),
    ];
  }
}

function answer<T>(ack: unknown, resolve: (value: T) => void, reject: (error: ZzanError) => void): void {
  const body = ack as { ok?: boolean; error?: never } | null;
  if (body?.ok === true) resolve(body as T);
  else reject(ZzanError.fromWire(body?.error));
}
