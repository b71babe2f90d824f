// One visit to a room's address: from knocking to leaving. Holds the session, the devices and the seat; screens show its state.

import { findRoom, LocalMedia, Room, ZzanError, type Client, type LobbyRoom, type LocalState } from 'zzan-client';
import { forgetInvitation, keptInvitation, openInvited, parseFragment, redeem, type Fragment, type Invitation } from '../invitation';
import { callMemo, forgetCall, keepCall, keepChoices, lastChoices } from '../preferences';
import { isMendable, problemOfEnd, problemOfError, type Problem } from '../problem';
import type { Visitor } from '../visitor';
import { rememberPassword, typedPassword } from './passwords';

export type VisitPhase = 'prejoin' | 'joining' | 'rejoining' | 'call' | 'over';

export interface VisitState {
  readonly phase: VisitPhase;
  /** The room as the lobby knows it, before one is in. */
  readonly listed: LobbyRoom | undefined;
  /** The name to join with: fixed by an invitation, else a suggestion. */
  readonly name: string;
  readonly nameFixed: boolean;
  readonly problem: Problem | undefined;
  readonly call: Room | undefined;
}

export class Visit {
  readonly local: LocalMedia;
  private readonly listeners = new Set<() => void>();
  private readonly offs: (() => void)[] = [];
  private readonly fragment: Fragment;
  private invitation: Invitation | undefined;
  private invitedClient: Client | undefined;
  private current: VisitState;
  private closed = false;

  constructor(readonly roomId: string, private readonly visitor: Visitor) {
    this.fragment = parseFragment(location.hash);
    this.invitation = keptInvitation(roomId, this.fragment);
    const memo = callMemo(roomId);
    this.local = new LocalMedia(memo ?? lastChoices());
    this.offs.push(this.local.onChange((state) => this.remember(state)));
    this.current = {
      phase: memo ? 'rejoining' : 'prejoin',
      listed: undefined,
      name: this.invitation?.name ?? this.linkName ?? visitor.name ?? '',
      nameFixed: this.invitation !== undefined || this.linkName !== undefined || visitor.pass !== undefined,
      problem: undefined,
      call: undefined,
    };
    this.listenForPage();
  }

  get state(): VisitState {
    return this.current;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Opens devices and session; goes straight back into the call that a refresh came from. */
  async start(): Promise<void> {
    void this.local.open();
    try {
      // Somebody whose name is known learns at once that a link is dead; anybody else when joining.
      const name = this.linkName ?? this.visitor.name;
      if (this.link !== undefined && name) await this.redeemLink(name);
    } catch (error) {
      return this.set({ phase: 'over', problem: problemOfError(error) });
    }
    if (this.closed) return;
    if (this.current.phase === 'rejoining') {
      // Not after the devices: the seat is kept for two seconds only.
      return this.join({ name: this.current.name, password: typedPassword(this.roomId) });
    }
    if (this.link === undefined) await this.look();
  }

  /** Takes a seat. Problems that can be mended leave the form open. */
  async join({ name, password }: { name: string; password: string }): Promise<void> {
    performance.mark('zzan:join-click');
    const back = this.current.phase === 'rejoining';
    this.set({ phase: back ? 'rejoining' : 'joining', problem: undefined });
    try {
      const client = await this.session(name);
      const call = await Room.join(client, { room: this.roomId, password: password || undefined, local: this.local });
      if (this.closed) return call.leave();
      if (password) rememberPassword(this.roomId, password);
      this.enter(call);
    } catch (cause) {
      if (!this.closed) this.refused(cause, password);
    }
  }

  leave(): void {
    this.current.call?.leave();
  }

  /** After the end: the form again, with the devices as they are. */
  again(): void {
    this.set({ phase: 'prejoin', problem: undefined, call: undefined });
    void this.local.open();
    void this.look();
  }

  close(): void {
    this.closed = true;
    for (const off of this.offs) off();
    this.current.call?.leave();
    forgetCall();
    this.local.close();
    // The leave goes out before the transport closes: both are in order on it.
    this.invitedClient?.close();
  }

  private get link(): string | undefined {
    return this.invitation === undefined && this.fragment && 'link' in this.fragment ? this.fragment.link : undefined;
  }

  /** What the link calls whoever uses it. */
  private get linkName(): string | undefined {
    return this.fragment && 'link' in this.fragment ? this.fragment.name : undefined;
  }

  private async session(name: string): Promise<Client> {
    if (this.link !== undefined) await this.redeemLink(name);
    if (!this.invitation) {
      const client = this.current.phase === 'rejoining' ? this.visitor.state.client : await this.visitor.rename(name);
      if (client.state !== 'closed') return client;
      this.visitor.restart();
      return this.visitor.state.client;
    }
    if (!this.invitedClient || this.invitedClient.state === 'closed') {
      this.invitedClient = openInvited(this.roomId, this.invitation);
      const client = this.invitedClient;
      client.on('failed', (error) => {
        // An expired invitation must not come up again at the next visit.
        if (error.code === 'unauthorized') forgetInvitation(this.roomId);
        if (this.current.phase === 'prejoin') this.set({ phase: 'over', problem: problemOfError(error) });
      });
    }
    return this.invitedClient;
  }

  private async redeemLink(name: string): Promise<void> {
    this.invitation = await redeem(this.roomId, this.link ?? '', name);
    this.set({ name: this.invitation.name, nameFixed: true });
    // Also connects, so that joining needn't.
    void this.look();
  }

  /** What the lobby says of the room, if it is listed there. */
  private async look(): Promise<void> {
    try {
      const client = this.invitation ? await this.session(this.invitation.name) : this.visitor.state.client;
      const listed = await findRoom(client, this.roomId);
      if (!this.closed) this.set({ listed });
    } catch {
      // The form works without; joining tells what is wrong.
    }
  }

  private enter(call: Room): void {
    keepCall(this.roomId, this.local.state);
    this.set({ phase: 'call', call, problem: undefined });
    if (isOfChannel(call) && !this.invitation) void followChannel(this.visitor.state.client, call);
    call.on('ended', (end) => {
      forgetCall();
      if (!this.closed) this.set({ phase: 'over', problem: problemOfEnd(end) });
    });
  }

  private refused(cause: unknown, password: string): void {
    const error = ZzanError.from(cause);
    let problem = problemOfError(error);
    if (error.code === 'bad_password' && password === '') problem = { kind: 'password_needed' };
    if (error.code === 'forbidden' && !this.invitation && this.visitor.state.client.state === 'closed') problem = { kind: 'no_guests' };
    forgetCall();
    this.set(isMendable(problem) ? { phase: 'prejoin', problem } : { phase: 'over', problem });
  }

  private remember(state: LocalState): void {
    // A device that failed is no choice of the person's.
    if (!state.microphone.problem && !state.camera.problem) keepChoices(state);
    if (this.current.phase === 'call') keepCall(this.roomId, state);
  }

  /** A page that goes away says so, and one that comes back out of the browser's cache starts afresh. */
  private listenForPage(): void {
    const hide = (event: PageTransitionEvent) => {
      const { call } = this.current;
      if (!call || call.status === 'ended') return;
      if (event.persisted) {
        const { state } = this.local;
        call.leave();
        keepCall(this.roomId, state);
      } else {
        (this.invitedClient ?? this.visitor.state.client).unload();
      }
    };
    const show = (event: PageTransitionEvent) => event.persisted && location.reload();
    window.addEventListener('pagehide', hide);
    window.addEventListener('pageshow', show);
    this.offs.push(() => {
      window.removeEventListener('pagehide', hide);
      window.removeEventListener('pageshow', show);
    });
  }

  private set(change: Partial<VisitState>): void {
    this.current = { ...this.current, ...change };
    for (const listener of this.listeners) listener();
  }
}

/** The call of a server's voice channel belongs to the channel. */
function isOfChannel({ state: { room } }: Room): boolean {
  return room.owner === `channel:${room.channel}`;
}

/** What is written in a server's voice channel is told to who follows their servers, in its call or not. */
async function followChannel(client: Client, call: Room): Promise<void> {
  try {
    await client.community().servers();
    await Promise.all([call.chat.catchUp(), call.notes.catchUp()]);
  } catch {
    // The next session lists them, and catches up.
  }
}
