// Who sits at this browser: a guest of the server, the same one on every visit, or in this tab whom a backend's link names; and the one session that
// all screens share.

import { Client, createGuest, ZzanError, type Access } from 'zzan-client';
import { forgetPass, keptPass, passToken, takePass, type Pass } from './pass';
import { browserShelf } from './storage';

const KEY = 'zzan.guest';

/** A token is replaced this long before it expires, so that none expires on its way. */
const EXPIRY_MARGIN_MS = 60_000;

interface Guest extends Access {
  /** False while the name is the stand-in of somebody who was not asked yet. */
  named: boolean;
}

export interface VisitorState {
  /** The name that the person chose; `undefined` before that. */
  name: string | undefined;
  /** Whom a link names; that name isn't one's own to change. */
  pass: Pass | undefined;
  client: Client;
}

export class Visitor {
  private readonly listeners = new Set<() => void>();
  private current: VisitorState | undefined;
  private queue: Promise<unknown> = Promise.resolve();

  /** `standIn` names somebody who was not asked for a name yet. */
  constructor(private readonly standIn: string) {
    takePass();
    // A link that differs from the address in its token alone loads no page.
    window.addEventListener('hashchange', () => {
      if (takePass() && this.current) this.restart();
    });
  }

  /** The name that the person chose, or has by a link; no session is opened to know it. */
  get name(): string | undefined {
    return this.current ? this.current.name : this.knownName();
  }

  /** Whom a link names; no session is opened to know it. */
  get pass(): Pass | undefined {
    return keptPass();
  }

  get state(): VisitorState {
    if (!this.current) {
      this.current = this.begin();
      // It begins while a screen is drawn; others hear of it afterwards.
      queueMicrotask(() => this.tell());
    }
    return this.current;
  }

  /** As `state`, but opens no session. */
  get opened(): VisitorState | undefined {
    return this.current;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Takes a name; the user stays the same. The session is a new one where the name is. A name that a link gave stays. */
  async rename(name: string): Promise<Client> {
    const { client, name: before, pass } = this.state;
    if ((before === name || pass) && client.state !== 'closed') return client;
    if (!pass) await this.fetch(name, true);
    this.restart();
    return this.state.client;
  }

  /** A new session after the old one was refused. */
  restart(): void {
    this.current?.client.close();
    this.current = this.begin();
    this.tell();
  }

  /** Is whom a link named no longer, but this browser's guest. */
  forgetPass(): void {
    forgetPass();
    this.restart();
  }

  private begin(): VisitorState {
    const pass = keptPass();
    return { name: this.knownName(), pass, client: pass ? this.connectAs(pass) : this.connect() };
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }

  private knownName(): string | undefined {
    return keptPass()?.name ?? this.chosenName();
  }

  private connectAs(pass: Pass): Client {
    const client = new Client({ token: (reason) => passToken(keptPass() ?? pass, reason === 'expired') });
    client.open();
    return client;
  }

  private chosenName(): string | undefined {
    const guest = browserShelf.read<Guest>(KEY);
    return guest?.named ? guest.user.name : undefined;
  }

  private connect(): Client {
    const client = new Client({
      token: async (reason) => {
        const guest = browserShelf.read<Guest>(KEY);
        const fresh = guest && Date.parse(guest.expires_at) - Date.now() > EXPIRY_MARGIN_MS;
        if (fresh && reason === 'connect') return guest.token;
        return (await this.fetch(guest?.user.name ?? this.standIn, guest?.named ?? false)).token;
      },
    });
    client.open();
    return client;
  }

  /** One at a time: two first fetches at once would make two users. */
  private fetch(name: string, named: boolean): Promise<Guest> {
    const fetched = this.queue.then(() => this.fetchNow(name, named));
    this.queue = fetched.catch(() => undefined);
    return fetched;
  }

  private async fetchNow(name: string, named: boolean): Promise<Guest> {
    const earlier = browserShelf.read<Guest>(KEY);
    const access = await createGuest(name, earlier?.token).catch((cause: unknown) => {
      // The server has another key or forgot this visitor: come as a new one.
      if (earlier && ZzanError.from(cause).code === 'unauthorized') return createGuest(name);
      throw cause;
    });
    const guest: Guest = { ...access, named };
    browserShelf.write(KEY, guest);
    return guest;
  }
}
