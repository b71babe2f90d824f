// Who drinks what together: a table is a product, a zzan room and the people who took a seat. Kept in memory, as an example may;
// a real shop would keep these rows in its database. Invariant: never more than TABLES_MAX tables, none older than TABLE_TTL_MS.

import { randomBytes } from 'node:crypto';

/** A full shop forgets its oldest table; the call itself goes on, only its page in the shop is gone. */
const TABLES_MAX = 1_000;

export const TABLE_TTL_MS = 6 * 60 * 60 * 1_000;

/** Seats remembered per table. Higher than a room's: people come back on other devices, and zzan counts the real seats. */
const SEATS_MAX = 32;

export class Tables {
  #tables = new Map();
  #byOrder = new Map();

  /**
   * Opens a table. The same order (the form's one-time key) always opens the same table.
   * @param {{ order: string, slug: string, roomId: string, capacity: number, host: string }} table
   */
  open({ order, slug, roomId, capacity, host }) {
    const known = this.find(this.#byOrder.get(order));
    if (known) return known;
    this.#forgetOld();
    const table = { id: secret(), order, slug, roomId, capacity, host, openedAt: Date.now(), seats: new Map() };
    this.#tables.set(table.id, table);
    this.#byOrder.set(order, table.id);
    return table;
  }

  /** @param {string | undefined} id */
  find(id) {
    const table = this.#tables.get(id);
    return table && Date.now() - table.openedAt < TABLE_TTL_MS ? table : undefined;
  }

  /**
   * Seats a person, and answers the secret by which the browser comes back to the seat.
   * @returns {string | undefined} undefined when the table remembers too many people already
   */
  seat(table, { name, url, expiresAt }) {
    if (table.seats.size >= SEATS_MAX) return undefined;
    const key = secret();
    table.seats.set(key, { name, url, expiresAt });
    return key;
  }

  #forgetOld() {
    for (const [id, table] of this.#tables) {
      const isOld = Date.now() - table.openedAt >= TABLE_TTL_MS;
      if (!isOld && this.#tables.size < TABLES_MAX) return;
      this.#tables.delete(id);
      this.#byOrder.delete(table.order);
    }
  }
}

function secret() {
  return randomBytes(16).toString('base64url');
}
