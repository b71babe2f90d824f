// The meeting notes of one channel: the one that runs with its lines in order and without holes, and those that have ended. What one adds is shown at
// once and confirmed by the answer.

import type { Client } from './client.js';
import { Emitter, type Unsubscribe } from './emitter.js';
import { ZzanError } from './errors.js';
import { newNonce } from './nonce.js';
import type { Note, NoteFormat, NoteLine } from './protocol.gen.js';

/** Notes of one list. */
const NOTES = 30;

/** The longest page of lines that the server gives. */
const LINES = 500;

/** A line is sent so often by itself, with the same nonce; then the person decides. */
const APPEND_TRIES = 5;

/** Between tries where the server didn't say how long. */
const RETRY_MS = 1_000;

export interface OutgoingLine {
  readonly nonce: string;
  readonly note: string;
  readonly text: string;
  readonly state: 'sending' | 'failed';
  readonly error?: ZzanError;
}

export interface NotesState {
  /** The one that runs. */
  readonly running: Note | undefined;
  /** Of the running one, by `seq` from 1. */
  readonly lines: readonly NoteLine[];
  /** Of the running one, not confirmed yet, in the order of sending. */
  readonly outgoing: readonly OutgoingLine[];
  /** Those that have ended, newest first. */
  readonly ended: readonly Note[];
  /** Whether older ones exist than those in `ended`. */
  readonly more: boolean;
  /** False until the first list came. */
  readonly loaded: boolean;
  readonly error: ZzanError | null;
}

interface NotesEvents {
  change: NotesState;
  /** Somebody started one just now. */
  started: Note;
  ended: Note;
}

const NOTHING: NotesState = { running: undefined, lines: [], outgoing: [], ended: [], more: false, loaded: false, error: null };

export class Notes {
  private readonly events = new Emitter<NotesEvents>();
  private readonly offs: Unsubscribe[];
  private current = NOTHING;
  private listing: Promise<void> | undefined;
  /** What was asked for may be older than what was heard since. */
  private isStale = false;
  private fetching: Promise<void> | undefined;
  /** Lines go one after the other, in the order in which they were said. */
  private queue: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(private readonly client: Client, readonly channel: string) {
    this.offs = [
      client.onEvent('session:ready', () => void this.catchUp()),
      client.onEvent('note:started', ({ note }) => note.channel === channel && this.began(note)),
      client.onEvent('note:appended', (appended) => appended.channel === channel && this.appended(appended.note, appended.line)),
      client.onEvent('note:ended', ({ note }) => note.channel === channel && this.finished(note)),
    ];
    if (client.state === 'ready') void this.catchUp();
  }

  get state(): NotesState {
    return this.current;
  }

  on<N extends keyof NotesEvents>(name: N, listener: (payload: NotesEvents[N]) => void): Unsubscribe {
    return this.events.on(name, listener);
  }

  close(): void {
    this.closed = true;
    for (const off of this.offs) off();
    this.events.clear();
  }

  /** Fetches what is there now and isn't known here: at the start, with each session, and when one may read the channel again. */
  catchUp(): Promise<void> {
    this.isStale = true;
    this.listing ??= this.list().finally(() => (this.listing = undefined));
    return this.listing;
  }

  /** Starts a note. Rejects with a {@link ZzanError}: `conflict` while one runs, `forbidden` without the right. */
  async start(name: string): Promise<Note> {
    const { note } = await this.client.request('note:start', { channel: this.channel, name });
    this.began(note);
    return note;
  }

  /** Adds a line to the running note; resolves when it is durable or has failed, which `state` tells. Does nothing where none runs. */
  append(text: string): Promise<void> {
    const { running } = this.current;
    if (!running) return Promise.resolve();
    const line: OutgoingLine = { nonce: newNonce(), note: running.id, text, state: 'sending' };
    this.set({ outgoing: [...this.current.outgoing, line] });
    return this.enqueue(line);
  }

  /** Sends a failed line again. The nonce is the same: if it was kept after all, it is not kept twice. */
  retry(nonce: string): Promise<void> {
    const failed = this.current.outgoing.find((line) => line.nonce === nonce && line.state === 'failed');
    if (!failed) return Promise.resolve();
    const { error: _, ...rest } = failed;
    const line: OutgoingLine = { ...rest, state: 'sending' };
    this.replaceOutgoing(nonce, line);
    return this.enqueue(line);
  }

  /** Gives a failed line up. */
  discard(nonce: string): void {
    this.replaceOutgoing(nonce, undefined);
  }

  /** Ends the running note. Rejects with a {@link ZzanError}: `forbidden` for who neither started it nor may start notes. */
  async end(): Promise<void> {
    const { running } = this.current;
    if (!running) return;
    // What was said before the end belongs to it.
    await this.queue;
    this.finished((await this.client.request('note:end', { channel: this.channel, note: running.id })).note);
  }

  /** Fetches a page of notes that ended earlier. Does nothing where there are none. Rejects with a {@link ZzanError}. */
  async loadOlder(): Promise<void> {
    const oldest = this.current.ended.at(-1);
    if (!oldest || !this.current.more) return;
    const { notes } = await this.client.request('note:list', { channel: this.channel, before: oldest.started_at, limit: NOTES });
    this.set({ ended: byTime([...this.current.ended, ...notes.filter(isOver)]), more: notes.length === NOTES });
  }

  /** All lines of a note. Rejects with a {@link ZzanError}. */
  async read(note: string): Promise<NoteLine[]> {
    const lines: NoteLine[] = [];
    for (;;) {
      const page = await this.client.request('note:get', { channel: this.channel, note, after: lines.at(-1)?.seq ?? 0, limit: LINES });
      lines.push(...page.lines);
      if (page.lines.length === 0 || lines.length >= page.note.lines) return lines;
    }
  }

  /** A note written out. Rejects with a {@link ZzanError}. */
  async export(note: string, format: NoteFormat): Promise<string> {
    return (await this.client.request('note:export', { channel: this.channel, note, format })).text;
  }

  private began(note: Note): void {
    this.isStale = true;
    if (this.current.running?.id === note.id || this.isKnownToBeOver(note.id)) return;
    this.set({ running: note, lines: [], outgoing: [] });
    this.events.emit('started', note);
    if (note.lines > 0) void this.fetchLines();
  }

  private appended(note: string, line: NoteLine): void {
    const { running, lines } = this.current;
    if (running?.id !== note || line.seq <= (lines.at(-1)?.seq ?? 0)) return;
    // Some before it are missing, or under way.
    if (line.seq > lines.length + 1) return void this.fetchLines();
    this.set({ lines: [...lines, line] });
  }

  private finished(note: Note): void {
    this.isStale = true;
    const isNews = !this.isKnownToBeOver(note.id);
    const wasRunning = this.current.running?.id === note.id;
    const failed = wasRunning ? { running: undefined, lines: [], outgoing: [] } : {};
    this.set({ ...failed, ended: byTime([...this.current.ended, note]) });
    if (isNews) this.events.emit('ended', note);
  }

  private isKnownToBeOver(id: string): boolean {
    return this.current.ended.some((note) => note.id === id);
  }

  private async list(): Promise<void> {
    while (this.isStale && !this.closed) {
      this.isStale = false;
      try {
        const { notes } = await this.client.request('note:list', { channel: this.channel, limit: NOTES });
        this.listed(notes);
      } catch (cause) {
        this.set({ error: ZzanError.from(cause) });
      }
    }
    await this.fetchLines();
  }

  private listed(notes: readonly Note[]): void {
    const running = notes.find((note) => !isOver(note) && !this.isKnownToBeOver(note.id));
    const isSame = running !== undefined && running.id === this.current.running?.id;
    const known = this.current.loaded ? this.current.more : notes.length === NOTES;
    const kept = isSame ? {} : { lines: [], outgoing: [] };
    this.set({ ...kept, running, ended: byTime([...this.current.ended, ...notes.filter(isOver)]), more: known, loaded: true, error: null });
  }

  /** Fetches the lines that are missing, one page after the other. */
  private fetchLines(): Promise<void> {
    this.fetching ??= this.fetchMissing()
      .catch((cause: unknown) => {
        const error = ZzanError.from(cause);
        // A new session lists anew; a note that is gone is told of.
        if (!error.transient && error.code !== 'closed') this.set({ error });
      })
      .finally(() => (this.fetching = undefined));
    return this.fetching;
  }

  private async fetchMissing(): Promise<void> {
    for (;;) {
      const { running, lines } = this.current;
      if (!running) return;
      const page = await this.client.request('note:get', { channel: this.channel, note: running.id, after: lines.length, limit: LINES });
      if (this.current.running?.id !== running.id) return;
      this.set({ lines: inOrder([...this.current.lines, ...page.lines]) });
      if (page.lines.length === 0 || this.current.lines.length >= page.note.lines) return;
    }
  }

  private enqueue(line: OutgoingLine): Promise<void> {
    const sent = this.queue.then(() => this.deliver(line));
    this.queue = sent;
    return sent;
  }

  private async deliver({ nonce, note, text }: OutgoingLine): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      if (this.closed) return;
      try {
        const { line } = await this.client.request('note:append', { channel: this.channel, note, nonce, text });
        this.replaceOutgoing(nonce, undefined);
        return this.appended(note, line);
      } catch (cause) {
        const error = ZzanError.from(cause);
        if (error.transient && attempt < APPEND_TRIES) {
          await new Promise((done) => setTimeout(done, error.retryAfterMs ?? RETRY_MS));
          continue;
        }
        const failed = this.current.outgoing.find((line) => line.nonce === nonce);
        return this.replaceOutgoing(nonce, failed && { ...failed, state: 'failed', error });
      }
    }
  }

  private replaceOutgoing(nonce: string, by: OutgoingLine | undefined): void {
    this.set({ outgoing: this.current.outgoing.flatMap((line) => (line.nonce !== nonce ? [line] : by ? [by] : [])) });
  }

  private set(change: Partial<NotesState>): void {
    this.current = { ...this.current, ...change };
    this.events.emit('change', this.current);
  }
}

function isOver({ ended_at }: Note): boolean {
  return ended_at !== undefined;
}

/** Newest first, each once and as it was heard of last. */
function byTime(notes: readonly Note[]): Note[] {
  const byId = new Map(notes.map((note) => [note.id, note]));
  return [...byId.values()].sort((a, b) => Date.parse(b.started_at) - Date.parse(a.started_at));
}

/** By number from the first on, as far as none is missing. */
function inOrder(lines: readonly NoteLine[]): NoteLine[] {
  const bySeq = new Map(lines.map((line) => [line.seq, line]));
  const whole: NoteLine[] = [];
  for (let line = bySeq.get(1); line; line = bySeq.get(line.seq + 1)) whole.push(line);
  return whole;
}
