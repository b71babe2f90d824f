// The instruments, before anything is measured with them: they must tell a moving picture from a frozen or black one, and sound from silence.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChromium, openFirefox, visitor, witness } from '../lib/browser.mjs';
import { until } from '../lib/figures.mjs';
import { startStatic } from '../lib/static.mjs';

let pages;
const browsers = {};

before(async () => {
  pages = await startStatic();
  browsers.Chromium = await openChromium();
  browsers.Firefox = await openFirefox();
});

after(async () => {
  await Promise.allSettled(Object.values(browsers).map((browser) => browser.close()));
  pages?.stop();
});

/** Two connections within one page: camera and microphone go from one to the other. */
async function callOneself(page) {
  await page.goto(pages.url);
  await page.evaluate(async () => {
    const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    const [near, far] = [new RTCPeerConnection(), new RTCPeerConnection()];
    near.onicecandidate = ({ candidate }) => candidate && far.addIceCandidate(candidate);
    far.onicecandidate = ({ candidate }) => candidate && near.addIceCandidate(candidate);
    far.ontrack = ({ track }) => {
      const element = document.createElement(track.kind);
      element.autoplay = true;
      element.srcObject = new MediaStream([track]);
      document.body.append(element);
    };
    for (const track of media.getTracks()) near.addTrack(track, media);
    await near.setLocalDescription(await near.createOffer());
    await far.setRemoteDescription(near.localDescription);
    await far.setLocalDescription(await far.createAnswer());
    await near.setRemoteDescription(far.localDescription);
    window.near = near;
    window.media = media;
  });
}

const moving = (videos) => videos.length === 1 && videos[0].light > 8 && videos[0].moved > 0.3;

for (const name of ['Chromium', 'Firefox']) {
  test(`in ${name} a moving picture is seen, and a black one isn't`, async () => {
    const page = await (await visitor(browsers[name])).newPage();
    await callOneself(page);
    const { look, flow, peers, heardLevels } = witness(page);
    await until('a moving picture', () => look(), moving);
    assert.deepEqual((await peers()).map((peer) => peer.offers), [1, 0]);
    const rows = await flow();
    assert.deepEqual(rows.map((row) => row.kind).sort(), ['audio', 'video']);
    assert.ok(rows.find((row) => row.kind === 'video').frames > 5);
    if (name === 'Firefox') await until('a level', () => heardLevels(), (levels) => levels.some((level) => level > 0));

    await page.evaluate(() => window.media.getVideoTracks()[0].enabled = false);
    await until('a black picture', () => look(), ([video]) => video.light < 2);
    assert.ok(!moving(await look()));
    await page.context().close();
  });
}

test('in Chromium sound is heard, and silence isn\'t', async () => {
  const page = await (await visitor(browsers.Chromium)).newPage();
  await callOneself(page);
  const { listen } = witness(page);
  await until('sound', () => listen(), (peaks) => peaks.length === 1 && peaks[0] > 0.01);
  await page.evaluate(() => window.media.getAudioTracks()[0].enabled = false);
  await until('silence', () => listen(), (peaks) => peaks.length === 1 && peaks[0] < 0.001);
  await page.context().close();
});
