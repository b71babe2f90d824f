// One channel's messages: in order, without holes, each once, as they are now. What one sends is shown at once and confirmed by the answer.

import type { Client } from './client.js';
import { Emitter, type Unsubscribe } from './emitter.js';
import { ZzanError } from './errors.js';
import { newNonce } from './nonce.js';
import type { Attachment, ChatFound, ChatPinChanged, ChatSend, ChatTypist, Message, Reaction } from './protocol.gen.js';
import { uploadFile } from './uploads.js';

const PAGE = 50;

/** How many missed pages are fetched after an absence; what is older comes when someone scrolls there. */
const CATCH_UP_PAGES = 10;

/** A message is sent so often by itself, with the same nonce; then the person decides. */
const SEND_TRIES = 3;

/** The server passes a notice of typing on once in this time. */
const TYPING_EVERY_MS = 3000;

export interface Outgoing {
  readonly nonce: string;
  readonly text: string;
  /** The `seq` of the message that it answers. */
  readonly replyTo?: number;
  readonly attachments?: readonly Attachment[];
  readonly state: 'sending' | 'failed';
  readonly error?: ZzanError;
}

export interface ChatState {
  /** Oldest first, by `seq`. */
  readonly messages: readonly Message[];
  /** Not confirmed yet, in the order of sending. */
  readonly outgoing: readonly Outgoing[];
  /** Whether older messages exist than those here. */
  readonly more: boolean;
  readonly loading: boolean;
}

export class Chat {
  private readonly events = new Emitter<{ change: ChatState; message: Message; pin: ChatPinChanged; typing: ChatTypist }>();
  private readonly offs: Unsubscribe[];
  private current: ChatState = { messages: [], outgoing: [], more: false, loading: false };
  private catching: Promise<void> | undefined;
  /** The last attempt to catch up failed for want of a connection. */
  private behind = false;
  private typedAt = -Infinity;

  /** `user` is the own user id. */
  constructor(private readonly client: Client, readonly channel: string, private readonly user: string) {
    this.offs = [
      client.onEvent('chat:message', ({ message }) => this.receive(message)),
      client.onEvent('chat:edited', ({ message }) => this.amend(message)),
      client.onEvent('chat:deleted', ({ message }) => this.amend(message)),
      client.onEvent('chat:reacted', ({ channel, seq, reactions }) => channel === this.channel && this.setReactions(seq, reactions)),
      client.onEvent('chat:pinned', (pin) => pin.message.channel === this.channel && this.events.emit('pin', pin)),
      // Who comes back to a new session is asked to catch up; one that goes on may have lost its last attempt.
      client.onEvent('session:ready', ({ replayed }) => replayed !== undefined && this.behind && void this.catchUp()),
      client.onEvent('chat:typing', (typist) => typist.channel === this.channel && this.events.emit('typing', typist)),
    ];
  }

  get state(): ChatState {
    return this.current;
  }

  onChange(listener: (state: ChatState) => void): Unsubscribe {
    return this.events.on('change', listener);
  }

  /** Hears each new message once, as it is pushed; not those of the history. */
  onMessage(listener: (message: Message) => void): Unsubscribe {
    return this.events.on('message', listener);
  }

  /** Hears when a message is pinned or unpinned. One that is deleted is unpinned without a word. */
  onPin(listener: (pin: ChatPinChanged) => void): Unsubscribe {
    return this.events.on('pin', listener);
  }

  /** Hears about every three seconds that somebody else writes. */
  onTyping(listener: (typist: ChatTypist) => void): Unsubscribe {
    return this.events.on('typing', listener);
  }

  /** Sends; resolves when the message is stored or has failed, which `state` tells. The text may be empty beside attachments. */
  send(text: string, replyTo?: number, attachments: readonly Attachment[] = []): Promise<void> {
    const outgoing: Outgoing = {
      nonce: newNonce(),
      text,
      ...(replyTo === undefined ? {} : { replyTo }),
      ...(attachments.length === 0 ? {} : { attachments }),
      state: 'sending',
    };
    this.typedAt = -Infinity;
    this.set({ outgoing: [...this.current.outgoing, outgoing] });
    return this.deliver(outgoing);
  }

  /** Sends a failed message again. The nonce is the same: if it was stored after all, it is not stored twice. */
  retry(nonce: string): Promise<void> {
    const failed = this.current.outgoing.find((entry) => entry.nonce === nonce && entry.state === 'failed');
    if (!failed) return Promise.resolve();
    const { error: _, ...message } = failed;
    const outgoing: Outgoing = { ...message, state: 'sending' };
    this.replaceOutgoing(nonce, outgoing);
    return this.deliver(outgoing);
  }

  /** Gives one's own message another text. Rejects with a `ZzanError`. */
  async edit(seq: number, text: string): Promise<void> {
    const { message } = await this.client.request('chat:edit', { channel: this.channel, seq, text });
    this.amend(message);
  }

  /** Deletes one's own message, or as the room's owner anybody's. Rejects with a `ZzanError`. */
  async delete(seq: number): Promise<void> {
    const { message } = await this.client.request('chat:delete', { channel: this.channel, seq });
    this.amend(message);
  }

  /** One's own reaction comes or, with `on: false`, goes. Rejects with a `ZzanError`. */
  async react(seq: number, emoji: string, on = true): Promise<void> {
    const { reactions } = await this.client.request('chat:react', { channel: this.channel, seq, emoji, on });
    this.setReactions(seq, reactions);
  }

  /** Pins or unpins a message, for who moderates the channel. Rejects with a `ZzanError`. */
  async pin(seq: number, on = true): Promise<void> {
    await this.client.request('chat:pin', { channel: this.channel, seq, on });
  }

  /** The pinned messages, the latest pin first. Rejects with a `ZzanError`. */
  async pins(): Promise<Message[]> {
    return (await this.client.request('chat:pins', { channel: this.channel })).messages;
  }

  /** Messages in which every word of `text` occurs, newest first. Give `next` as `before` for the next page. Rejects with a `ZzanError`. */
  search(text: string, { before, limit }: { before?: string; limit?: number } = {}): Promise<ChatFound> {
    const page = { ...(before === undefined ? {} : { before }), ...(limit === undefined ? {} : { limit }) };
    return this.client.request('chat:search', { channel: this.channel, text, ...page });
  }

  /** Tells the others that one writes. To be called with every key: it asks once in three seconds, and failures don't matter. */
  typing(): void {
    const now = Date.now();
    if (now - this.typedAt < TYPING_EVERY_MS) return;
    this.typedAt = now;
    this.client.request('chat:typing', { channel: this.channel }).catch(() => undefined);
  }

  /** Uploads a file; what it resolves with goes with `send`. Rejects with a `ZzanError`, `invalid` where uploads aren't set up. */
  upload(file: Blob, name: string, signal?: AbortSignal): Promise<Attachment> {
    return uploadFile(this.client, this.channel, file, name, signal);
  }

  /** Gives a failed message up. */
  discard(nonce: string): void {
    this.replaceOutgoing(nonce, undefined);
  }

  /** Fetches the page before the oldest message here. */
  async loadOlder(): Promise<void> {
    const oldest = this.current.messages[0];
    if (!oldest || !this.current.more || this.current.loading) return;
    this.set({ loading: true });
    try {
      const page = await this.client.request('chat:history', { channel: this.channel, before: oldest.seq, limit: PAGE });
      this.set({ messages: merge(this.current.messages, page.messages), more: page.more, loading: false });
    } catch {
      this.set({ loading: false });
    }
  }

  /** Fetches what was missed: at the start, after a reconnect, and when a number is skipped. */
  catchUp(): Promise<void> {
    this.behind = false;
    this.catching ??= this.fetchMissed()
      .catch((cause: unknown) => {
        const error = ZzanError.from(cause);
        this.behind = error.transient;
        if (!error.transient && error.code !== 'closed') console.warn('zzan: messages could not be fetched', error);
      })
      .finally(() => (this.catching = undefined));
    return this.catching;
  }

  close(): void {
    for (const off of this.offs) off();
    this.events.clear();
  }

  private async fetchMissed(): Promise<void> {
    const known = lastContiguous(this.current.messages);
    // What stands here may have been edited or deleted meanwhile.
    const oldest = this.current.messages[0]?.seq ?? 0;
    let before: number | undefined;
    for (let n = 0; n < CATCH_UP_PAGES; n += 1) {
      const page = await this.client.request('chat:history', {
        channel: this.channel,
        limit: PAGE,
        ...(before === undefined ? {} : { before }),
      });
      const first = known === 0;
      this.set({ messages: merge(this.current.messages, page.messages), ...(first ? { more: page.more } : {}) });
      before = page.messages[0]?.seq;
      if (first || before === undefined || before <= oldest || !page.more) return;
      if (n === CATCH_UP_PAGES - 1 && before <= known + 1) return;
    }
    // Too much was missed to keep it in one piece: older than this is paged again.
    this.set({ messages: this.current.messages.filter(({ seq }) => seq >= (before ?? 0)), more: true });
  }

  private receive(message: Message): void {
    if (message.channel !== this.channel) return;
    const last = this.current.messages.at(-1);
    if (this.current.messages.some(({ seq }) => seq === message.seq)) return;
    this.confirm(message);
    this.set({ messages: merge(this.current.messages, [message]) });
    this.events.emit('message', message);
    if (message.seq !== (last?.seq ?? 0) + 1) void this.catchUp();
  }

  /** A message is another now. One that isn't here comes as it is when it is fetched. */
  private amend(message: Message): void {
    if (message.channel !== this.channel || !this.current.messages.some(({ seq }) => seq === message.seq)) return;
    this.set({ messages: merge(this.current.messages, [message]) });
  }

  private setReactions(seq: number, reactions: Reaction[]): void {
    const messages = this.current.messages.map((message) => (message.seq === seq ? { ...message, reactions } : message));
    this.set({ messages });
  }

  private async deliver(outgoing: Outgoing): Promise<void> {
    const { nonce } = outgoing;
    const request = requestOf(this.channel, outgoing);
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { message } = await this.client.request('chat:send', request);
        this.current = { ...this.current, outgoing: this.current.outgoing.filter((entry) => entry.nonce !== nonce) };
        this.set({ messages: merge(this.current.messages, [message]) });
        return;
      } catch (cause) {
        const error = ZzanError.from(cause);
        const again = error.transient && error.code !== 'rate_limited' && attempt < SEND_TRIES;
        if (again) continue;
        this.replaceOutgoing(nonce, { ...outgoing, state: 'failed', error });
        return;
      }
    }
  }

  /** The push of an own message may overtake its answer: it must not stand there twice meanwhile. */
  private confirm({ author, text, attachments }: Message): void {
    if (author.id !== this.user) return;
    const same = (entry: Outgoing) => entry.text === text && urls(entry.attachments) === urls(attachments);
    const sent = this.current.outgoing.find((entry) => entry.state === 'sending' && same(entry));
    if (sent) this.current = { ...this.current, outgoing: this.current.outgoing.filter((entry) => entry !== sent) };
  }

  private replaceOutgoing(nonce: string, by: Outgoing | undefined): void {
    this.set({ outgoing: this.current.outgoing.flatMap((entry) => (entry.nonce !== nonce ? [entry] : by ? [by] : [])) });
  }

  private set(change: Partial<ChatState>): void {
    this.current = { ...this.current, ...change };
    this.events.emit('change', this.current);
  }
}

function requestOf(channel: string, { nonce, text, replyTo, attachments }: Outgoing): ChatSend {
  return {
    channel,
    nonce,
    text,
    ...(replyTo === undefined ? {} : { reply_to: replyTo }),
    ...(attachments === undefined ? {} : { attachments: [...attachments] }),
  };
}

function urls(attachments: readonly Attachment[] = []): string {
  return attachments.map(({ url }) => url).join('\n');
}

/** Both lists in order of `seq`, each number once. */
export function merge(known: readonly Message[], more: readonly Message[]): Message[] {
  const bySeq = new Map<number, Message>();
  for (const message of [...known, ...more]) bySeq.set(message.seq, message);
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** The highest number up to which nothing is missing. */
function lastContiguous(messages: readonly Message[]): number {
  let last = messages[0]?.seq ?? 0;
  for (const { seq } of messages) {
    if (seq > last + 1) break;
    last = seq;
  }
  return last;
}
