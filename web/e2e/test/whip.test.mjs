// Publishing into a room and playing out of it by HTTP alone, with Chromium's own WebRTC and no line of ours on its side.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChromium, visitor, witness } from '../lib/browser.mjs';
import { until } from '../lib/figures.mjs';
import { Visit } from '../lib/page.mjs';
import { rest, startServer } from '../lib/server.mjs';
import { startStatic } from '../lib/static.mjs';

let server;
let pages;
let browser;
let room;
let guest;
let encoder;

before(async () => {
  server = await startServer();
  pages = await startStatic();
  browser = await openChromium();
  room = (await rest(server, 'POST', '/v1/rooms', { name: '방송', capacity: 3 })).id;
});

after(async () => {
  await browser?.close();
  pages?.stop();
  await server?.stop();
});

const roomToken = async (user, grants) => (await rest(server, 'POST', `/v1/rooms/${room}/tokens`, { user, name: user, ...(grants && { grants }) })).token;

/** A page that isn't of the node's origin. */
async function emptyPage() {
  const page = await (await visitor(browser)).newPage();
  await page.goto(pages.url);
  return page;
}

// Runs in the page: one offer by POST, and its answer.
async function exchange({ url, token, publish }) {
  const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  if (publish) {
    const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
    for (const track of media.getTracks()) peer.addTransceiver(track, { direction: 'sendonly' });
  } else {
    for (const kind of ['audio', 'video']) peer.addTransceiver(kind, { direction: 'recvonly' });
    peer.ontrack = ({ track }) => {
      const element = document.createElement(track.kind);
      element.autoplay = true;
      element.srcObject = new MediaStream([track]);
      document.body.append(element);
    };
  }
  await peer.setLocalDescription(await peer.createOffer());
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/sdp' };
  const response = await fetch(url, { method: 'POST', headers, body: peer.localDescription.sdp });
  if (response.status !== 201) return { status: response.status, problem: await response.json() };
  await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() });
  window.peer = peer;
  return { status: 201, location: new URL(response.headers.get('location'), url).href, etag: response.headers.get('etag') };
}

test('an encoder that publishes by WHIP is a participant whom a page sees moving and hears', async () => {
  guest = await Visit.open(await visitor(browser), server);
  await guest.standBefore(room, { name: '손님' });
  await guest.join();
  await guest.find('mic-button').click();
  const page = await emptyPage();
  const begun = await page.evaluate(exchange, { url: `${server.url}/v1/whip/${room}`, token: await roomToken('encoder'), publish: true });
  assert.equal(begun.status, 201, JSON.stringify(begun));
  encoder = { page, ...begun };
  await guest.seePeople(2);
  await guest.seeMoving(1);
  await guest.hear(1);
  assert.deepEqual((await guest.names()).sort(), ['encoder', '손님'].sort());
});

test('a player plays one participant by WHEP, has a seat, and ends by DELETE', async () => {
  const page = await emptyPage();
  const token = await roomToken('player', { can_publish: false });
  const begun = await page.evaluate(exchange, { url: `${server.url}/v1/whep/${room}?user=encoder`, token, publish: false });
  assert.equal(begun.status, 201, JSON.stringify(begun));
  const { look, listen } = witness(page);
  await until('a moving picture', () => look(), (videos) => videos.length === 1 && videos[0].light > 8 && videos[0].moved > 0.3, { within: 15_000 });
  await until('sound', () => listen(), (peaks) => peaks.length === 1 && peaks[0] > 0.01, { within: 15_000 });
  await guest.seePeople(3);
  const full = await page.evaluate(exchange, { url: `${server.url}/v1/whep/${room}`, token: await roomToken('too many'), publish: false });
  assert.deepEqual([full.status, full.problem.code], [409, 'room_full']);
  const ended = await page.evaluate(async (url) => (await fetch(url, { method: 'DELETE' })).status, begun.location);
  assert.equal(ended, 200);
  await guest.seePeople(2);
});

test('a player of whoever speaks gets the first to publish as long as nobody does', async () => {
  const page = await emptyPage();
  const begun = await page.evaluate(exchange, { url: `${server.url}/v1/whep/${room}`, token: await roomToken('player'), publish: false });
  const { look } = witness(page);
  await until('a moving picture', () => look(), (videos) => videos.length === 1 && videos[0].light > 8 && videos[0].moved > 0.3, { within: 15_000 });
  await page.evaluate((url) => fetch(url, { method: 'DELETE' }), begun.location);
  await guest.seePeople(2);
});

test('an encoder that falls silent without a word is gone within ten seconds, and its resource with it', async () => {
  // A page that closes says goodbye by DTLS at best; media silence (7 s) is what counts.
  await encoder.page.close();
  await guest.seePeople(1, 10_000);
  const gone = await fetch(encoder.location, { method: 'DELETE' });
  assert.equal(gone.status, 404);
});
