// One server: its live state, what one asks of it, and a chat for each channel that somebody opens.

import { Chat } from '../chat.js';
import type { Client } from '../client.js';
import { Emitter, type Unsubscribe } from '../emitter.js';
import { ZzanError } from '../errors.js';
import type { Channel, Message, Permission, Schedule, Server, Unread } from '../protocol.gen.js';
import type { AnswerOf, RequestName, RequestOf, ServerEvent } from '../protocol.js';
import type { Reading } from './reading.js';
import { can, fromListing, reduce, serverOf, withMessage, withUnread, type ServerState } from './state.js';
import { isSkipped } from './unread.js';

/** Channels whose messages are kept at hand; the one that was opened the longest ago goes first. */
const CHATS_MAX = 20;

/** The members are asked for so often when connections break; then whoever wants them asks again. */
const MEMBER_TRIES = 3;

/** Deletions and edits that come within this are counted anew together. */
const RECOUNT_AFTER_MS = 250;

/** Requests that name a server. */
export type ServerRequestName = { [N in RequestName]: RequestOf<N> extends { server: string } ? N : never }[RequestName];

interface CommunityServerEvents {
  change: ServerState;
  /** An entry of the calendar was made or changed. */
  schedule: Schedule;
  /** The id of an entry that is gone. */
  unscheduled: string;
}

export class CommunityServer {
  readonly id: string;
  private readonly events = new Emitter<CommunityServerEvents>();
  /** The one that was opened last is last. */
  private readonly chats = new Map<string, Chat>();
  /** How far the server knows that one has read, by channel. */
  private readonly told = new Map<string, number>();
  private current: ServerState;
  private members: Promise<void> | undefined;
  /** Members changed while they were being fetched. */
  private membersChanged = false;
  /** Somebody asked for them: each listing fetches them again. */
  private membersWanted = false;
  private recount: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly client: Client, private readonly reading: Reading, server: Server) {
    this.id = server.info.id;
    this.current = fromListing(server);
    this.confirm(server.unread);
  }

  get state(): ServerState {
    return this.current;
  }

  on<N extends keyof CommunityServerEvents>(name: N, listener: (payload: CommunityServerEvents[N]) => void): Unsubscribe {
    return this.events.on(name, listener);
  }

  /** Whether one's roles allow it; the server also asks for ranks. */
  can(permission: Permission): boolean {
    return can(this.current, permission);
  }

  /** Asks something of this server. Rejects with a {@link ZzanError}; what it changes comes as a change of `state`. */
  ask<N extends ServerRequestName>(name: N, payload: Omit<RequestOf<N>, 'server'>): Promise<AnswerOf<N>> {
    return this.client.request(name, { ...payload, server: this.id } as unknown as RequestOf<N>);
  }

  /** The messages of a channel, kept up to date. It lives as long as the channel does, or until many others were opened after it. */
  chat(channel: string): Chat {
    const chat = this.chats.get(channel) ?? this.openChat(channel);
    this.chats.delete(channel);
    this.chats.set(channel, chat);
    const [oldest] = this.chats.keys();
    if (this.chats.size > CHATS_MAX && oldest !== undefined) this.closeChat(oldest);
    return chat;
  }

  /** The room of a voice channel's call, to join with `Room.join`. Rejects with a {@link ZzanError}. */
  async openCall(channel: string): Promise<string> {
    return (await this.client.request('channel:open', { channel })).room;
  }

  /** Fetches the members into `state`, once; events keep them up to date. Rejects with a {@link ZzanError}. */
  loadMembers(): Promise<void> {
    this.membersWanted = true;
    return this.current.members ? Promise.resolve() : this.fetchMembers();
  }

  /** Leaves `seq` and what follows unread, also while the channel is open. Rejects with a {@link ZzanError}. */
  async markUnread(channel: string, seq: number): Promise<void> {
    this.reading.hold(channel);
    const { unread } = await this.client.request('chat:unread', { channel, seq });
    this.counted([unread]);
  }

  /** The state of a new listing; what is open is caught up with. */
  adopt(server: Server): void {
    this.set(fromListing(server, this.current.members));
    this.confirm(server.unread);
    for (const channel of this.chats.keys()) if (!this.has(channel)) this.closeChat(channel);
    for (const chat of this.chats.values()) void chat.catchUp();
    if (this.membersWanted) void this.fetchMembers().catch(() => undefined);
  }

  /** Follows an event, of this server or of another. */
  apply(event: ServerEvent): void {
    switch (event.name) {
      case 'chat:message':
        return this.receive(event.payload.message);
      case 'chat:edited':
      case 'chat:deleted':
        if (this.has(event.payload.message.channel)) this.countAnew();
        return;
      case 'unread:changed':
        return this.counted([event.payload.unread]);
      case 'schedule:changed':
        if (event.payload.schedule.server === this.id) this.events.emit('schedule', event.payload.schedule);
        return;
      case 'schedule:deleted':
        if (event.payload.server === this.id) this.events.emit('unscheduled', event.payload.id);
        return;
      default:
        return this.follow(event);
    }
  }

  /** Tells the server that a channel is read as far as its messages are here. */
  async read(channel: string): Promise<void> {
    const counted = this.current.unread.get(channel);
    const newest = this.chats.get(channel)?.state.messages.at(-1)?.seq ?? 0;
    const seq = Math.min(counted?.head_seq ?? 0, newest);
    // The messages that are counted are still being fetched.
    if (counted && counted.head_seq > newest) this.reading.schedule();
    if (seq <= (this.told.get(channel) ?? 0)) return;
    this.told.set(channel, seq);
    try {
      const { unread } = await this.client.request('chat:read', { channel, seq });
      this.counted([unread]);
    } catch {
      // After a reconnect the listing tells what the server knows, and it is told again.
      this.told.delete(channel);
      this.countAnew();
    }
  }

  has(channel: string): boolean {
    return this.current.channels.some(({ id }) => id === channel);
  }

  close(): void {
    clearTimeout(this.recount);
    for (const channel of [...this.chats.keys()]) this.closeChat(channel);
    this.events.clear();
  }

  private follow(event: ServerEvent): void {
    if (serverOf(event) !== this.id) return;
    if (this.members && (event.name.startsWith('member:') || event.name === 'presence:changed')) this.membersChanged = true;
    const knew = event.name === 'channel:created' && this.has(event.payload.channel.id);
    this.set(reduce(this.current, event));
    if (event.name === 'channel:deleted') this.closeChat(event.payload.channel);
    if (event.name === 'channel:created' && !knew) this.countAnew();
  }

  private receive(message: Message): void {
    const before = this.current.unread.get(message.channel);
    if (!before) return;
    const seen = this.reading.covers(message.channel);
    if (message.author.id === this.current.me.user.id) this.told.set(message.channel, Math.max(this.told.get(message.channel) ?? 0, message.seq));
    this.set(withMessage(this.current, message, seen));
    if (seen) this.reading.schedule();
    if (isSkipped(before, message)) this.countAnew();
  }

  /** Counts of the server, unless newer messages came here meanwhile. */
  private counted(counts: readonly Unread[]): void {
    const isLate = (one: Unread) => one.head_seq < (this.current.unread.get(one.channel)?.head_seq ?? 0);
    const fresh = counts.filter((one) => !isLate(one));
    this.confirm(fresh);
    this.set(withUnread(this.current, fresh));
    if (fresh.length < counts.length) this.countAnew();
  }

  private confirm(counts: readonly Unread[]): void {
    for (const { channel, read_seq } of counts) this.told.set(channel, read_seq);
  }

  private countAnew(): void {
    this.recount ??= setTimeout(() => {
      this.recount = undefined;
      this.ask('unread:list', {}).then(
        ({ unread }) => this.counted(unread),
        (cause: unknown) => ZzanError.from(cause).transient && this.countAnew(),
      );
    }, RECOUNT_AFTER_MS);
  }

  private fetchMembers(): Promise<void> {
    this.members ??= this.listMembers().finally(() => (this.members = undefined));
    return this.members;
  }

  private async listMembers(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      this.membersChanged = false;
      try {
        const { members } = await this.ask('member:list', {});
        if (!this.membersChanged) return this.set({ ...this.current, members });
        // What came meanwhile may be newer than the list: it isn't one of the tries.
        attempt -= 1;
      } catch (cause) {
        if (!ZzanError.from(cause).transient || attempt >= MEMBER_TRIES) throw cause;
      }
    }
  }

  private openChat(channel: string): Chat {
    const chat = new Chat(this.client, channel, this.current.me.user.id);
    void chat.catchUp();
    return chat;
  }

  private closeChat(channel: string): void {
    this.chats.get(channel)?.close();
    this.chats.delete(channel);
  }

  private set(state: ServerState): void {
    if (state === this.current) return;
    this.current = state;
    this.events.emit('change', state);
  }
}

/** The channels of a category, or of none, in their order. */
export function channelsOf(state: ServerState, category: string | undefined): readonly Channel[] {
  const known = new Set(state.categories.map(({ id }) => id));
  return state.channels.filter((channel) => (channel.category !== undefined && known.has(channel.category) ? channel.category : undefined) === category);
}
