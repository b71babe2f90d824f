// A participant without a browser: the official socket.io client, and a record of what the server told it and when.

import { randomUUID } from 'node:crypto';
import { io } from 'socket.io-client';
import { guestToken } from './server.mjs';

const ACK_MS = 10_000;

/** A refusal by the server, with its `code`. */
export class Refused extends Error {
  constructor(event, error) {
    super(`${event}: ${error.code}: ${error.message}`);
    this.code = error.code;
  }
}

/** One signaling connection. `events` holds everything that was pushed: `{ at, name, data }`, `at` in ms of `performance.now()`. */
export class Client {
  events = [];
  #waiting = new Set();

  constructor(socket) {
    this.socket = socket;
    socket.onAny((name, data) => {
      const event = { at: performance.now(), name, data };
      this.events.push(event);
      for (const check of this.#waiting) check(event);
    });
  }

  /** @param {{ name?: string, token?: string, transports?: string[] }} options */
  static async connect(server, { name = 'socket', token, transports = ['websocket'] } = {}) {
    const socket = io(server.url, {
      auth: { token: token ?? (await guestToken(server, name)) },
      transports,
      forceNew: true,
      reconnection: false,
    });
    const client = new Client(socket);
    await new Promise((done, fail) => {
      socket.once('connect', done);
      socket.once('connect_error', fail);
    });
    return client;
  }

  /** Sends an event and gives the answer. @throws {Refused} */
  async ask(event, data) {
    const answer = await this.socket.timeout(ACK_MS).emitWithAck(event, data);
    if (!answer.ok) throw new Refused(event, answer.error);
    return answer;
  }

  async createRoom({ name = 'room', capacity = 4, password } = {}) {
    const { room } = await this.ask('room:create', { name, capacity, ...(password && { password }), nonce: randomUUID() });
    return room;
  }

  join(room, fields = {}) {
    return this.ask('room:join', { room, ...fields });
  }

  /** The first event of this name that passes, among those already here since `after` and those to come. */
  when(name, passes = () => true, { within = 10_000, after = 0 } = {}) {
    const fits = (event) => event.name === name && event.at >= after && passes(event.data);
    const known = this.events.find(fits);
    if (known) return Promise.resolve(known);
    return new Promise((done, fail) => {
      const check = (event) => {
        if (!fits(event)) return;
        clearTimeout(timer);
        this.#waiting.delete(check);
        done(event);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        const seen = this.events.filter((event) => event.at >= after).map((event) => event.name);
        fail(new Error(`no ${name} within ${within} ms; seen since: ${seen.join(' ') || 'nothing'}`));
      }, within);
      this.#waiting.add(check);
    });
  }

  /** Everything of this name since a moment. */
  seen(name, after = 0) {
    return this.events.filter((event) => event.name === name && event.at >= after);
  }

  close() {
    this.socket.disconnect();
  }
}
