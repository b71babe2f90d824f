// One's servers, kept up to date from the first look on: listed with every session, and followed by events from then on.

import type { Client } from '../client.js';
import { Emitter, type Unsubscribe } from '../emitter.js';
import { ZzanError } from '../errors.js';
import { newNonce } from '../nonce.js';
import type { DepartReason, InvitePreview, Schedule, Server, ServerCreate, ServerInfo, SessionReady, Status } from '../protocol.gen.js';
import type { ServerEvent, ServerEventName } from '../protocol.js';
import { watchIdle, type Touched } from './idle.js';
import { Reading, type Attention } from './reading.js';
import { CommunityServer } from './server.js';

/** `server:create` is asked so often by itself, with the same nonce. */
const CREATE_TRIES = 2;

/** All that changes in the list of servers: an object of its own after each change. */
export interface CommunityState {
  /** Oldest membership first. */
  readonly servers: readonly CommunityServer[];
  /** False until the first list came. */
  readonly loaded: boolean;
  readonly error: ZzanError | null;
}

/** One is no longer in a server. */
export interface Departure {
  readonly server: ServerInfo;
  readonly reason: DepartReason;
}

interface CommunityEvents {
  change: CommunityState;
  /** Something in one of the servers is another. */
  server: CommunityServer;
  left: Departure;
  /** An entry of a calendar is due. */
  due: Schedule;
}

/** For tests: what stands for the page. */
export interface CommunityOptions {
  attention?: Attention;
  page?: Touched;
}

/** What changes a server, or what is unread in it. */
const FOLLOWED = [
  'server:added', 'server:deleted',
  'server:updated', 'channel:created', 'channel:updated', 'channel:deleted', 'member:joined', 'member:updated', 'member:left', 'presence:changed',
  'voice:changed', 'unread:changed', 'schedule:changed', 'schedule:deleted', 'chat:message', 'chat:edited', 'chat:deleted',
] as const satisfies readonly ServerEventName[];

export class Community {
  private readonly events = new Emitter<CommunityEvents>();
  private readonly offs: Unsubscribe[];
  private readonly reading: Reading;
  private current: CommunityState = { servers: [], loaded: false, error: null };
  private listing: Promise<void> | undefined;
  /** What came while the list was under way: it may be newer than the list. */
  private early: ServerEvent[] = [];
  private idle = false;

  constructor(private readonly client: Client, { attention, page }: CommunityOptions = {}) {
    this.reading = new Reading((channel) => void this.serverOf(channel)?.read(channel), attention);
    this.offs = [
      ...FOLLOWED.map((name) => client.onEvent(name, (payload) => this.hear({ name, payload } as ServerEvent))),
      client.onEvent('schedule:due', ({ schedule }) => this.events.emit('due', schedule)),
      client.onEvent('session:ready', (ready) => this.connected(ready)),
      watchIdle((idle) => this.setIdle(idle), page),
    ];
    if (client.state === 'ready') void this.refresh();
  }

  get state(): CommunityState {
    return this.current;
  }

  on<N extends keyof CommunityEvents>(name: N, listener: (payload: CommunityEvents[N]) => void): Unsubscribe {
    return this.events.on(name, listener);
  }

  /** The servers, once they are known. Rejects with a {@link ZzanError} when the list can't be had. */
  async servers(): Promise<readonly CommunityServer[]> {
    if (!this.current.loaded) await this.refresh();
    if (!this.current.loaded) throw this.current.error ?? new ZzanError('unavailable', 'the servers are not known yet');
    return this.current.servers;
  }

  server(id: string): CommunityServer | undefined {
    return this.current.servers.find((server) => server.id === id);
  }

  /** Makes a server. Asked again when the answer was lost; that makes one server. Rejects with a {@link ZzanError}. */
  async create(request: Omit<ServerCreate, 'nonce'>): Promise<CommunityServer> {
    const nonce = newNonce();
    for (let attempt = 1; ; attempt += 1) {
      try {
        return this.add((await this.client.request('server:create', { ...request, nonce })).server);
      } catch (cause) {
        if (!ZzanError.from(cause).transient || attempt >= CREATE_TRIES) throw cause;
      }
    }
  }

  /** What an invitation leads to; it isn't used by that. Rejects with a {@link ZzanError}: `not_found` when it can't be used (any more). */
  preview(secret: string): Promise<InvitePreview> {
    return this.client.request('invite:preview', { secret });
  }

  /** Uses an invitation. Rejects with a {@link ZzanError}: `forbidden` for who is banned. */
  async accept(secret: string): Promise<CommunityServer> {
    return this.add((await this.client.request('invite:accept', { secret })).server);
  }

  /** How one wants to be seen, on all devices. Rejects with a {@link ZzanError}. */
  async setStatus(status: Status): Promise<void> {
    await this.client.request('presence:set', { status });
  }

  /** A channel is opened: what was left unread by hand may be read again. */
  opened(): void {
    this.reading.opened();
  }

  /** The newest message of this channel is in sight from now on: it is read while the page has the focus. `undefined`: of none. */
  look(channel: string | undefined): void {
    this.reading.look(channel);
  }

  /** Whether what comes to this channel is seen at once. */
  isLookedAt(channel: string): boolean {
    return this.reading.covers(channel);
  }

  close(): void {
    for (const off of this.offs) off();
    this.reading.close();
    for (const server of this.current.servers) server.close();
    this.events.clear();
  }

  /** A session that goes on has heard all that it missed; a list that was lost on the way is asked for again. */
  private connected({ replayed }: SessionReady): void {
    const { loaded, error } = this.current;
    if (replayed === undefined || !loaded || error) return void this.refresh();
    this.reading.schedule();
  }

  private refresh(): Promise<void> {
    this.listing ??= this.list().finally(() => (this.listing = undefined));
    return this.listing;
  }

  private async list(): Promise<void> {
    this.early = [];
    try {
      const { servers } = await this.client.request('server:list', {});
      const kept = servers.map((server) => this.adopted(server));
      for (const gone of this.current.servers.filter(({ id }) => !kept.some((server) => server.id === id))) gone.close();
      this.set({ servers: kept, loaded: true, error: null });
      for (const event of this.early) this.follow(event);
      // A new session touches something, as far as the server knows.
      if (this.idle) this.setIdle(true);
      this.reading.schedule();
    } catch (cause) {
      this.set({ error: ZzanError.from(cause) });
    }
  }

  private hear(event: ServerEvent): void {
    if (this.listing) this.early.push(event);
    this.follow(event);
  }

  private follow(event: ServerEvent): void {
    if (event.name === 'server:added') return void this.add(event.payload.server);
    if (event.name === 'server:deleted') return this.remove(event.payload.server, event.payload.reason);
    for (const server of this.current.servers) server.apply(event);
  }

  private add(server: Server): CommunityServer {
    const known = this.server(server.info.id);
    const added = this.adopted(server);
    this.set({ servers: known ? this.current.servers : [...this.current.servers, added] });
    return added;
  }

  private adopted(server: Server): CommunityServer {
    const known = this.server(server.info.id);
    known?.adopt(server);
    if (known) return known;
    const made = new CommunityServer(this.client, this.reading, server);
    made.on('change', () => this.events.emit('server', made));
    return made;
  }

  private remove(id: string, reason: DepartReason): void {
    const gone = this.server(id);
    if (!gone) return;
    gone.close();
    this.set({ servers: this.current.servers.filter((server) => server !== gone) });
    this.events.emit('left', { server: gone.state.info, reason });
  }

  private serverOf(channel: string): CommunityServer | undefined {
    return this.current.servers.find((server) => server.has(channel));
  }

  private setIdle(idle: boolean): void {
    this.idle = idle;
    // Without a connection there is no presence to be idle in; the next listing tells it.
    if (this.client.state === 'ready') this.client.request('presence:idle', { idle }).catch(() => undefined);
  }

  private set(change: Partial<CommunityState>): void {
    this.current = { ...this.current, ...change };
    this.events.emit('change', this.current);
  }
}
