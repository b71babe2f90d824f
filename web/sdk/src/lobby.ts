// The open rooms, kept up to date while someone watches.

import type { Client } from './client.js';
import { Emitter, type Unsubscribe } from './emitter.js';
import { ZzanError } from './errors.js';
import { newNonce } from './nonce.js';
import type { LobbyRoom, Room, RoomCreate } from './protocol.gen.js';
import { mergeLobby } from './state.js';

export interface LobbyState {
  /** Newest first. */
  readonly rooms: readonly LobbyRoom[];
  /** False until the first list came. */
  readonly loaded: boolean;
  readonly error: ZzanError | null;
}

/** `room:create` is asked so often by itself, with the same nonce. */
const CREATE_TRIES = 2;

export class Lobby {
  private readonly events = new Emitter<{ change: LobbyState }>();
  private readonly offs: Unsubscribe[];
  private current: LobbyState = { rooms: [], loaded: false, error: null };

  /** Watches rooms of one capacity, or all. A watch ends with its session, and what was missed may be gone: then it starts again. */
  constructor(private readonly client: Client, private readonly size?: number) {
    this.offs = [
      client.onEvent('session:ready', ({ replayed }) => {
        if (replayed === undefined || !this.current.loaded) void this.watch();
      }),
      client.onEvent('lobby:changed', ({ rooms, removed }) => {
        const ours = rooms.filter((room) => size === undefined || room.capacity === size);
        this.set({ rooms: mergeLobby(this.current.rooms, ours, removed) });
      }),
    ];
    if (client.state === 'ready') void this.watch();
  }

  get state(): LobbyState {
    return this.current;
  }

  onChange(listener: (state: LobbyState) => void): Unsubscribe {
    return this.events.on('change', listener);
  }

  close(): void {
    for (const off of this.offs) off();
    this.events.clear();
    if (this.client.state === 'ready') this.client.request('lobby:watch', { watch: false }).catch(() => undefined);
  }

  private async watch(): Promise<void> {
    try {
      const { rooms } = await this.client.request('lobby:watch', { watch: true, ...(this.size === undefined ? {} : { size: this.size }) });
      this.set({ rooms: mergeLobby([], rooms, []), loaded: true, error: null });
    } catch (error) {
      this.set({ error: ZzanError.from(error) });
    }
  }

  private set(change: Partial<LobbyState>): void {
    this.current = { ...this.current, ...change };
    this.events.emit('change', this.current);
  }
}

/** Opens a room. Asked again when the answer was lost; that makes one room. */
export async function createRoom(client: Client, request: Omit<RoomCreate, 'nonce'>): Promise<Room> {
  const nonce = newNonce();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return (await client.request('room:create', { ...request, nonce })).room;
    } catch (error) {
      if (!ZzanError.from(error).transient || attempt >= CREATE_TRIES) throw error;
    }
  }
}

/** A room as the lobby has it; `undefined` when it is not listed there, or this session may not ask. */
export async function findRoom(client: Client, id: string): Promise<LobbyRoom | undefined> {
  try {
    return (await client.request('lobby:list', {})).rooms.find((room) => room.id === id);
  } catch (error) {
    if (ZzanError.from(error).transient) throw error;
    return undefined;
  }
}
