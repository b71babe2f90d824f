// Direct channels as a backend's people use them: each by the link that the backend made, without an account here.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChromium, visitor } from '../lib/browser.mjs';
import { until } from '../lib/figures.mjs';
import { Visit } from '../lib/page.mjs';
import { DEV_KEY, DEV_SECRET, rest, startServer } from '../lib/server.mjs';
import { signToken } from '../lib/token.mjs';

const WIDE = { width: 1280, height: 720 };
const USERS = [{ id: 'buyer-7', name: '하나' }, { id: 'seller-2', name: '두리' }];

let server;
let browser;
let direct;
let buyer;
let seller;

before(async () => {
  server = await startServer();
  browser = await openChromium();
  direct = await open('product-31', { state: 'on_sale', price: 35_000, currency: 'KRW', place: '시청역' });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const open = (subject, metadata) => rest(server, 'POST', '/v1/direct-channels', { subject, name: '필름 카메라', users: USERS, metadata });

/** The link of one of the two, at this server wherever it calls itself. */
function linkOf({ users }, n) {
  const { pathname, hash } = new URL(users[n].url);
  return pathname + hash;
}

const patch = (body) => rest(server, 'PATCH', `/v1/channels/${direct.channel.id}`, body);

test('a link leads straight into the channel, says what it is about, and is not in the address for long', async () => {
  buyer = await Visit.open(await visitor(browser, { viewport: WIDE }), server, linkOf(direct, 0));
  await buyer.see('channel-view');
  assert.equal(await buyer.find('name-gate').count(), 0);
  assert.equal(new URL(buyer.page.url()).hash, '');
  assert.equal(await buyer.page.evaluate(() => history.length), 2, 'nothing to go back to');
  assert.equal(await buyer.find('subject-title').innerText(), '필름 카메라');
  assert.equal(await buyer.find('subject-state').innerText(), 'On sale');
  const card = await buyer.find('subject').innerText();
  for (const told of ['product-31', '₩35,000', 'Place', '시청역']) assert.ok(card.includes(told), `${told} in ${card}`);
});

test('both talk under the names that the backend gave them', async () => {
  seller = await Visit.open(await visitor(browser, { viewport: WIDE }), server, linkOf(direct, 1));
  await seller.see('channel-view');
  await buyer.say('아직 있나요?');
  await seller.seeMessage('아직 있나요?');
  assert.equal(await seller.find('chat-message').locator('.line-author').innerText(), '하나');
  await seller.say('네, 있어요');
  await buyer.seeMessage('네, 있어요');
  for (const visit of [buyer, seller]) assert.deepEqual((await visit.find('member').locator('.member-name').allInnerTexts()).sort(), ['두리', '하나']);
});

test('what the backend changes is seen by both at once', async () => {
  await patch({ metadata: { title: '라이카 M6', state: 'reserved', buyer: '하나', 배송: true, tags: ['a', 'b'], hidden: { for: 'programs' } } });
  for (const visit of [buyer, seller]) {
    await until('it is reserved', () => visit.find('subject-state').innerText(), (state) => state === 'Reserved');
    assert.equal(await visit.find('subject-title').innerText(), '라이카 M6');
    const facts = (await visit.find('subject-fact').allInnerTexts()).map((fact) => fact.replace('\n', ' '));
    assert.deepEqual(facts.sort(), ['Buyer 하나', 'tags a, b', '배송 yes']);
  }
  await patch({ metadata: { state: 'sold' } });
  for (const visit of [buyer, seller]) await until('it is sold', () => visit.find('subject-state').innerText(), (state) => state === 'Sold');
});

test('a reload is the same person; another tab of this browser is somebody else', async () => {
  await buyer.page.reload();
  await buyer.seeMessage('네, 있어요');
  await buyer.say('살게요');
  await seller.seeMessage('살게요');
  assert.equal(await seller.find('chat-message').last().locator('.line-author').innerText(), '하나');
  const other = await Visit.open(buyer.page.context(), server, '/s');
  await other.see('name-gate');
  await other.page.close();
});

test('another link in the same tab is another channel, or another person', async () => {
  const second = await open('product-32', { state: 'on_sale' });
  await buyer.page.evaluate((path) => { location.href = path; }, linkOf(second, 0));
  await until('the other subject', () => buyer.find('subject-id').innerText().catch(() => ''), (text) => text.includes('product-32'));
  assert.equal(await buyer.find('server-button').count(), 2, 'both are the buyer’s');
  // Only the fragment differs: the browser loads nothing.
  const { hash } = new URL(second.users[1].url);
  await buyer.page.evaluate((fragment) => { location.hash = fragment; }, hash);
  await until('it is the seller', () => buyer.page.locator('.status-name').innerText().catch(() => ''), (name) => name === '두리');
  assert.equal(new URL(buyer.page.url()).hash, '');
});

test('a forged link, a stale one and one for a room are refused in words, and lead on as a guest', async () => {
  const path = linkOf(direct, 0).split('#')[0];
  const [{ token }] = direct.users;
  const forged = `${token.slice(0, -8)}AAAAAAAA`;
  const expired = signToken({ user: 'buyer-7', name: '하나', ttlS: -60 });
  const ofRoom = signToken({ user: 'buyer-7', name: '하나', grants: { room: 'room_1', room_join: true } });
  const words = { [forged]: 'isn’t valid', nonsense: 'isn’t valid', [expired]: 'expired', [ofRoom]: 'isn’t valid' };
  const context = await visitor(browser, { viewport: WIDE });
  for (const [bad, said] of Object.entries(words)) {
    const visit = await Visit.open(context, server, `${path}#token=${bad}`);
    assert.match(await visit.errorText(), new RegExp(said));
    assert.equal(new URL(visit.page.url()).hash, '');
    await visit.page.reload();
    assert.match(await visit.errorText(), new RegExp(said));
    await visit.find('to-lobby').click();
    await visit.see('name-gate');
    await visit.page.close();
  }
  await context.close();
});

test('in Korean, on a phone, nothing is wider than the screen', async () => {
  await patch({ metadata: { title: '아주 긴 이름을 가진 필름 카메라 '.repeat(4), state: 'reserved', price: 1_250_000, currency: 'KRW', place: '서울특별시 중구 세종대로 110'.repeat(3) } });
  const phone = await Visit.open(await visitor(browser, { viewport: { width: 390, height: 780 }, locale: 'ko-KR' }), server, linkOf(direct, 1));
  await phone.see('subject');
  assert.equal(await phone.find('subject-state').innerText(), '예약 중');
  assert.ok(await phone.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
});

test('a channel that the backend ends is gone for both', async () => {
  const response = await fetch(`${server.url}/v1/direct-channels/${direct.channel.id}`, { method: 'DELETE', headers: { authorization: `Bearer ${DEV_KEY}:${DEV_SECRET}` } });
  assert.equal(response.status, 204);
  await seller.page.locator('.toast').waitFor();
  await until('it is gone', () => seller.page.locator(`[data-channel="${direct.channel.id}"]`).count(), (count) => count === 0);
});
