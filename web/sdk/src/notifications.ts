// A user's inbox, kept up to date: what came while there was no connection is fetched by number when there is one again.

import type { Client } from './client.js';
import { Emitter, type Unsubscribe } from './emitter.js';
import { ZzanError } from './errors.js';
import type { Notification, NotificationsListed, Server } from './protocol.gen.js';

/** Notifications of one page. */
const PAGE = 50;

export interface InboxState {
  /** Newest first, each once. */
  readonly notifications: readonly Notification[];
  /** Of the whole inbox, whether they are in the list or not. */
  readonly unread: number;
  /** Whether older ones than those in the list are kept. */
  readonly more: boolean;
  /** False until the first list came. */
  readonly loaded: boolean;
  readonly error: ZzanError | null;
}

interface InboxEvents {
  change: InboxState;
  /** A notification that wasn't in the list, however it came. What is there when the inbox is opened is not new. */
  new: Notification;
}

export class Notifications {
  private readonly events = new Emitter<InboxEvents>();
  private readonly offs: Unsubscribe[];
  private current: InboxState = { notifications: [], unread: 0, more: false, loaded: false, error: null };
  /** The number of the newest one in the list. */
  private head = 0;
  /** The fetch under way. */
  private fetching: Promise<void> | undefined;
  private isStale = false;

  constructor(private readonly client: Client) {
    this.offs = [
      client.onEvent('session:ready', () => void this.catchUp()),
      client.onEvent('notification:new', ({ notification, unread }) => this.came(notification, unread)),
      client.onEvent('notification:updated', ({ notification, unread }) => this.updated(notification, unread)),
      client.onEvent('notification:read', ({ ids, up_to, unread }) => this.wasRead(ids, up_to, unread)),
    ];
    if (client.state === 'ready') void this.catchUp();
  }

  get state(): InboxState {
    return this.current;
  }

  on<N extends keyof InboxEvents>(name: N, listener: (payload: InboxEvents[N]) => void): Unsubscribe {
    return this.events.on(name, listener);
  }

  close(): void {
    for (const off of this.offs) off();
    this.events.clear();
  }

  /** Fetches a page of older ones. Does nothing where there are none. Rejects with a {@link ZzanError}. */
  async loadOlder(): Promise<void> {
    const oldest = this.current.notifications.at(-1);
    if (oldest === undefined || !this.current.more) return;
    const page = await this.client.request('notification:list', { before: oldest.seq, limit: PAGE });
    this.merge(page.notifications, { more: page.more, unread: page.unread });
  }

  /** Marks some as read, for all of the user's devices. */
  async read(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const { unread } = await this.client.request('notification:read', { ids: [...ids] });
    this.wasRead([...ids], undefined, unread);
  }

  /** Marks all as read that are in the list or older. */
  async readAll(): Promise<void> {
    const upTo = this.head;
    const { unread } = await this.client.request('notification:read', { up_to: upTo });
    this.wasRead(undefined, upTo, unread);
  }

  /** Answers an invitation into a server. Resolves with the server that one is in now, if one accepted. */
  async answer(id: string, accept: boolean): Promise<Server | undefined> {
    return (await this.client.request('invite:answer', { notification: id, accept })).server;
  }

  private came(notification: Notification, unread: number): void {
    // Until the first list is here, it tells everything.
    if (!this.current.loaded) return;
    if (notification.seq > this.head + 1) {
      // Some before it are under way, or were lost with a connection.
      void this.catchUp();
      return;
    }
    this.add([notification], notification.seq >= this.head ? unread : this.current.unread);
  }

  private updated(notification: Notification, unread: number): void {
    const notifications = this.current.notifications.map((known) => (known.id === notification.id ? notification : known));
    this.set({ notifications, unread });
  }

  private wasRead(ids: readonly string[] | undefined, upTo: number | undefined, unread: number): void {
    const isRead = ({ id, seq }: Notification) => ids?.includes(id) === true || (upTo !== undefined && seq <= upTo);
    const notifications = this.current.notifications.map((known) => (!known.read && isRead(known) ? { ...known, read: true } : known));
    this.set({ notifications, unread });
  }

  /** Fetches what is newer than the list; once more where something came meanwhile. */
  private catchUp(): Promise<void> {
    this.isStale = true;
    this.fetching ??= this.fetch().finally(() => (this.fetching = undefined));
    return this.fetching;
  }

  private async fetch(): Promise<void> {
    try {
      while (this.isStale) {
        this.isStale = false;
        if (!this.current.loaded) this.begin(await this.client.request('notification:list', { limit: PAGE }));
        else await this.fetchNewer();
      }
    } catch (cause) {
      this.set({ error: ZzanError.from(cause) });
    }
  }

  private begin(page: NotificationsListed): void {
    this.head = page.head_seq;
    this.merge(page.notifications, { more: page.more, unread: page.unread, loaded: true, error: null });
  }

  private async fetchNewer(): Promise<void> {
    for (;;) {
      const page = await this.client.request('notification:list', { after: this.head, limit: PAGE });
      this.add(page.notifications, page.unread);
      if (!page.newer || page.notifications.length === 0) return;
    }
  }

  private add(notifications: readonly Notification[], unread: number): void {
    const known = new Set(this.current.notifications.map(({ id }) => id));
    const fresh = notifications.filter(({ id }) => !known.has(id));
    for (const { seq } of fresh) this.head = Math.max(this.head, seq);
    this.merge(fresh, { unread, error: null });
    for (const notification of fresh) this.events.emit('new', notification);
  }

  private merge(notifications: readonly Notification[], rest: Partial<InboxState>): void {
    const byId = new Map([...this.current.notifications, ...notifications].map((notification) => [notification.id, notification]));
    this.set({ ...rest, notifications: [...byId.values()].sort((a, b) => b.seq - a.seq) });
  }

  private set(change: Partial<InboxState>): void {
    this.current = { ...this.current, ...change };
    this.events.emit('change', this.current);
  }
}
