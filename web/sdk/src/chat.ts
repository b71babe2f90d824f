// One channel's messages: in order, without holes, each once, as they are now. What one sends is shown at once and confirmed by the answer.

import type { Client } from './client.js';
import { Emitter, type Unsubscribe } from './emitter.js';
import { ZzanError } from './errors.js';
import { newNonce } from './nonce.js';
import type { Message } from './protocol.gen.js';

const PAGE = 50;

/** How many missed pages are fetched after an absence; what is older comes when someone scrolls there. */
const CATCH_UP_PAGES = 10;

/** A message is sent so often by itself, with the same nonce; then the person decides. */
const SEND_TRIES = 3;

export interface Outgoing {
  readonly nonce: string;
  readonly text: string;
  /** The `seq` of the message that it answers. */
  readonly replyTo?: number;
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
  private readonly events = new Emitter<{ change: ChatState; message: Message }>();
  private readonly offs: Unsubscribe[];
  private current: ChatState = { messages: [], outgoing: [], more: false, loading: false };
  private catching: Promise<void> | undefined;

  /** `user` is the own user id. */
  constructor(private readonly client: Client, readonly channel: string, private readonly user: string) {
    this.offs = [
      client.onEvent('chat:message', ({ message }) => this.receive(message)),
      client.onEvent('chat:edited', ({ message }) => this.amend(message)),
      client.onEvent('chat:deleted', ({ message }) => this.amend(message)),
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

  /** Sends; resolves when the message is stored or has failed, which `state` tells. */
  send(text: string, replyTo?: number): Promise<void> {
    const outgoing: Outgoing = { nonce: newNonce(), text, ...(replyTo === undefined ? {} : { replyTo }), state: 'sending' };
    this.set({ outgoing: [...this.current.outgoing, outgoing] });
    return this.deliver(outgoing);
  }

  /** Sends a failed message again. The nonce is the same: if it was stored after all, it is not stored twice. */
  retry(nonce: string): Promise<void> {
    const failed = this.current.outgoing.find((entry) => entry.nonce === nonce && entry.state === 'failed');
    if (!failed) return Promise.resolve();
    const { text, replyTo } = failed;
    const outgoing: Outgoing = { nonce, text, ...(replyTo === undefined ? {} : { replyTo }), state: 'sending' };
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
    this.catching ??= this.fetchMissed()
      .catch((cause: unknown) => {
        // Without a connection it is asked again with the next one.
        const error = ZzanError.from(cause);
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

  private async deliver(outgoing: Outgoing): Promise<void> {
    const { nonce, text, replyTo } = outgoing;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { message } = await this.client.request('chat:send', { channel: this.channel, nonce, text, ...(replyTo === undefined ? {} : { reply_to: replyTo }) });
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
  private confirm({ author, text }: Message): void {
    if (author.id !== this.user) return;
    const sent = this.current.outgoing.find((entry) => entry.state === 'sending' && entry.text === text);
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
