// Servers as a person uses them on the page, beyond what `page.mjs` knows.

import { until } from './figures.mjs';
import { Visit } from './page.mjs';

/** Says who one is on a first visit, and is among one's servers. */
export async function enterServers(context, server, name) {
  const visit = await Visit.open(context, server, '/s');
  await visit.see('name-gate');
  await visit.type('name-input', name);
  await visit.find('name-submit').click();
  await visit.see('community');
  return visit;
}

/** Makes a server and stands in its first channel. @returns {Promise<string>} its id */
export async function createServer(visit, name) {
  await (await visit.see('create-server')).click();
  await visit.find('server-name-input').fill(name);
  await visit.find('create-server-dialog-submit').click();
  await visit.see('channel-view');
  await visit.find('server-name').filter({ hasText: name }).waitFor();
  return new URL(visit.page.url()).pathname.split('/')[2];
}

/** Makes an invitation. @returns {Promise<string>} its path */
export async function invite(visit) {
  await (await visit.see('open-invite')).click();
  await visit.find('invite-create').click();
  const link = await (await visit.see('invite-link')).inputValue();
  await visit.page.keyboard.press('Escape');
  await visit.find('invite-dialog').waitFor({ state: 'detached' });
  return new URL(link).pathname;
}

/** Follows an invitation and is in its server. */
export async function accept(visit, path) {
  await visit.goto(path);
  await (await visit.see('accept-invite')).click();
  await visit.see('channel-view');
}

/** The line of a channel in the list, by its name. */
export function channelRow(visit, name) {
  return visit.find('channel').filter({ has: visit.page.locator('.channel-name', { hasText: new RegExp(`^${name}$`) }) });
}

export async function createChannel(visit, name, fill = async () => {}) {
  await visit.find('server-menu').click();
  await (await visit.see('menu-create-channel')).click();
  await visit.find('channel-name-input').fill(name);
  await fill();
  await visit.find('channel-dialog-submit').click();
  await visit.find('channel-dialog').waitFor({ state: 'detached' });
}

/** What the badge of a channel says; 0 without one. */
export async function unreadOf(visit, name) {
  const badge = channelRow(visit, name).getByTestId('badge');
  return (await badge.count()) === 0 ? 0 : Number(await badge.getAttribute('data-unread'));
}

/** What the badge of the whole server says. */
export async function unreadOfServer(visit, id) {
  const badge = visit.page.locator(`[data-testid="server-button"][data-server="${id}"]`).getByTestId('badge');
  return (await badge.count()) === 0 ? 0 : Number(await badge.getAttribute('data-unread'));
}

export function untilUnread(visit, name, count) {
  return until(`${count} unread in ${name}`, () => unreadOf(visit, name), (shown) => shown === count);
}
