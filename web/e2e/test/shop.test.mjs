// The whole way of a shop: a button on a product page, a room by REST, a call inside an iframe.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChromium, visitor } from '../lib/browser.mjs';
import { until } from '../lib/figures.mjs';
import { Visit } from '../lib/page.mjs';
import { startServer } from '../lib/server.mjs';
import { startShop } from '../lib/shop.mjs';

let server;
let shop;
const browsers = [];

before(async () => {
  server = await startServer();
  shop = await startShop(server);
  for (let n = 0; n < 2; n += 1) browsers.push(await openChromium());
});

after(async () => {
  for (const browser of browsers) await browser.close();
  await shop?.stop();
  await server?.stop();
});

/** The call inside the shop's page. */
async function insideFrame(page) {
  const frame = await until('the frame', async () => (await page.getByTestId('room-frame').elementHandle())?.contentFrame());
  return new Visit(frame, server);
}

async function customer(browser, locale = 'ko-KR') {
  const context = await visitor(browser, { locale, viewport: { width: 1280, height: 800 } });
  return context.newPage();
}

let host;
let invite;

test('a customer presses "drink together", sends the invite link, and both see and hear each other in the shop', async () => {
  host = await customer(browsers[0]);
  await host.goto(shop.url);
  await host.getByTestId('product-card').first().click();
  await host.getByTestId('shop-name').fill('민수');
  await host.locator('input[name=seats][value="2"]').check({ force: true });
  await host.getByTestId('together-button').click();
  const hostCall = await insideFrame(host);
  await hostCall.join();

  invite = await host.getByTestId('invite-link').inputValue();
  const friend = await customer(browsers[1], 'en-US');
  await friend.goto(invite);
  assert.match(await friend.locator('h1').innerText(), /민수/);
  await friend.getByTestId('shop-name').fill('<b>Alex</b>');
  await friend.getByTestId('join-table').click();
  const friendCall = await insideFrame(friend);
  await friendCall.join();

  for (const call of [hostCall, friendCall]) {
    await call.seePeople(2);
    await call.seeMoving(1);
    await call.hear(1);
  }
  assert.deepEqual((await hostCall.names()).sort(), ['<b>Alex</b>', '민수'].sort());
});

test('a third person finds the table of two full', async () => {
  const third = await customer(browsers[1]);
  await third.goto(invite);
  assert.equal(await third.getByTestId('error-page').getAttribute('data-error'), 'full');
  await third.context().close();
});

test('the invite link is copied by its button', async () => {
  await host.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: shop.url });
  await host.getByTestId('copy-invite').click();
  await host.locator('[data-copy-status]').filter({ hasText: '복사' }).waitFor();
  assert.equal(await host.evaluate(() => navigator.clipboard.readText()), invite);
});

test('a reload of the shop page comes back to the same seat', async () => {
  await host.reload();
  const call = await insideFrame(host);
  await until('in the call or in front of it', async () => (await call.find('call').count()) + (await call.find('join-button').count()) > 0);
  if ((await call.find('call').count()) === 0) await call.join();
  await call.seePeople(2);
  await call.seeMoving(1);
});

test('when zzan stops, the shop says so instead of failing', async () => {
  await server.stop();
  const late = await customer(browsers[1]);
  await late.goto(`${shop.url}/p/pine-soju`);
  await late.getByTestId('shop-name').fill('늦은 손님');
  await late.getByTestId('together-button').click();
  assert.equal(await late.getByTestId('error-page').getAttribute('data-error'), 'zzan');
});
