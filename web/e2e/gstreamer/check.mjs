// GStreamer as Debian has it, against the real binary: its WHIP client publishes VP8 and Opus into a room, a page sees it move, and webrtcbin plays it
// by WHEP. Wants the packages simple-whip-client, gstreamer1.0-tools, python3-gst-1.0 and gir1.2-gst-plugins-bad-1.0.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openChromium, visitor } from '../lib/browser.mjs';
import { Visit } from '../lib/page.mjs';
import { rest, startServer } from '../lib/server.mjs';

const VIDEO =
  'videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=30/1 ! videoconvert ! queue ! vp8enc deadline=1 cpu-used=8 keyframe-max-dist=30 ! ' +
  'rtpvp8pay picture-id-mode=15-bit ! queue ! application/x-rtp,media=video,encoding-name=VP8,payload=96';
const AUDIO =
  'audiotestsrc is-live=true wave=sine freq=440 ! audioconvert ! audioresample ! queue ! opusenc ! rtpopuspay ! queue ! ' +
  'application/x-rtp,media=audio,encoding-name=OPUS,payload=111';

const children = [];

/** Runs a program; its output goes to ours. Ended with everything else. */
function run(program, args) {
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  child.on('error', (error) => console.error(`${program}: ${error.message}`));
  children.push(child);
  return child;
}

const server = await startServer();
const browser = await openChromium();
try {
  const room = (await rest(server, 'POST', '/v1/rooms', { name: 'GStreamer', capacity: 4 })).id;
  const token = async (user) => (await rest(server, 'POST', `/v1/rooms/${room}/tokens`, { user, name: user })).token;

  const encoder = run('whip-client', ['-u', `${server.url}/v1/whip/${room}`, '-t', await token('gstreamer'), '-V', VIDEO, '-A', AUDIO]);
  const visit = await Visit.open(await visitor(browser), server);
  await visit.standBefore(room, { name: 'Guest' });
  await visit.join();
  await visit.seePeople(2);
  await visit.seeMoving(1);
  await visit.hear(1);
  console.log('whip: a page sees the encoder move, and hears it');

  const player = run('python3', [fileURLToPath(new URL('play.py', import.meta.url)), `${server.url}/v1/whep/${room}?user=gstreamer`, await token('player')]);
  const [code] = await once(player, 'exit');
  assert.equal(code, 0, 'webrtcbin decoded sound and pictures');
  console.log('whep: webrtcbin decodes what the encoder sends');

  encoder.kill('SIGINT');
  await visit.seePeople(1, 20_000);
  console.log('whip: the encoder has left, and so has the player');
} finally {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
  await browser.close();
  await server.stop();
}
