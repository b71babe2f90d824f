// The page as a person uses it. Knows the page's test ids; nothing else here does.

import { witness } from './browser.mjs';
import { until } from './figures.mjs';

const ARRIVE_MS = 15_000;

/** @param {import('playwright-core').Page | import('playwright-core').Frame} page */
export class Visit {
  constructor(page, server) {
    this.page = page;
    this.server = server;
    this.witness = witness(page);
  }

  /** A new tab of a visitor. */
  static async open(context, server, path = '/') {
    const visit = new Visit(await context.newPage(), server);
    await visit.goto(path);
    return visit;
  }

  async goto(path) {
    await this.page.goto(new URL(path, this.server.url).href);
  }

  find(testId) {
    return this.page.getByTestId(testId);
  }

  /** Waits until it is on the page. */
  async see(testId, within = ARRIVE_MS) {
    const found = this.find(testId).first();
    await found.waitFor({ state: 'visible', timeout: within });
    return found;
  }

  /** Writes into a field by keys: Firefox tells React nothing of a value that was set from outside the page. */
  async type(testId, text) {
    const field = await this.see(testId);
    await field.click();
    await field.press('ControlOrMeta+a');
    await field.pressSequentially(text);
  }

  /** Says who one is, on a first visit, and is in the lobby. */
  async enterLobby(name) {
    await this.see('name-gate');
    await this.type('name-input', name);
    await this.find('name-submit').click();
    await this.see('lobby');
  }

  /** From the lobby: makes a room and stands in front of it. @returns {Promise<string>} its id */
  async createRoom({ name, size = 4, password }) {
    await (await this.see('create-room')).click();
    await this.find('room-name-input').fill(name);
    // The radio button itself is invisible under its picture.
    await this.find(`capacity-${size}`).check({ force: true });
    if (password) await this.find('password-input').fill(password);
    await this.find('create-submit').click();
    await this.see('join-button');
    return this.roomId();
  }

  /** A room's card in the lobby, by the room's name. */
  card(name) {
    return this.find('room-card').filter({ hasText: name });
  }

  roomId() {
    return new URL(this.page.url()).pathname.split('/').at(-1);
  }

  /** Goes to a room's own page, as by a copied address, and stands in front of it. */
  async standBefore(room, { name, password } = {}) {
    await this.goto(`/r/${room}`);
    await this.see('join-button');
    if (name) await this.type('name-input', name);
    if (password !== undefined) await this.type('password-input', password);
  }

  /** Clicks join and is in the call. */
  async join() {
    await this.clickJoin();
    await this.see('call');
  }

  /** Clicks join, once the preview allows it. */
  async clickJoin() {
    await this.find('join-button').click({ timeout: ARRIVE_MS });
  }

  async leave() {
    await this.find('leave-button').click();
    await this.see('problem-action');
  }

  /** Waits until the browser decodes this many remote videos that move and aren't black. */
  seeMoving(count, within = 20_000) {
    return until(
      `${count} moving remote videos`,
      () => this.witness.look(),
      (videos) => videos.filter((video) => video.light > 8 && video.moved > 0.3).length === count,
      { within },
    );
  }

  /** Waits until this many received audio tracks are audible. */
  hear(count, within = 20_000) {
    return until(
      `${count} audible tracks`,
      () => this.witness.listen(),
      (peaks) => peaks.filter((peak) => peak > 0.01).length === count,
      { within },
    );
  }

  /** Opens the menu on somebody's tile and chooses. */
  async choose(name, testId) {
    const tile = this.find('tile').filter({ has: this.page.locator('.tile-name', { hasText: name }) }).first();
    await tile.hover();
    await tile.getByTestId('tile-menu').click();
    await tile.getByTestId(testId).click();
  }

  /** Waits until this many people have a tile, oneself included. */
  async seePeople(count, within = ARRIVE_MS) {
    await until(`${count} tiles`, () => this.find('tile').count(), (tiles) => tiles === count, { within });
  }

  /** The names on the tiles, in their order, without the mark of one's own. */
  async names() {
    const names = await this.find('tile').locator('.tile-name').allInnerTexts();
    return names.map((name) => name.replace(/ \([^()]*\)$/, ''));
  }

  /** The texts of all messages, in their order. */
  chatTexts() {
    return this.find('chat-message').locator('.bubble').allInnerTexts();
  }

  async say(text) {
    const input = await this.see('chat-input');
    await input.fill(text);
    await input.press('Enter');
  }

  async seeMessage(text, within = ARRIVE_MS) {
    await this.find('chat-message').filter({ hasText: text }).first().waitFor({ timeout: within });
  }

  /** The text of the banner that says what went wrong. */
  async errorText() {
    return (await this.see('error-banner')).innerText();
  }

  /** How many offers the live connection made. One is right, however often people come and go. */
  async liveOffers() {
    return (await this.witness.peers()).filter((peer) => peer.state !== 'closed').map((peer) => peer.offers);
  }
}
