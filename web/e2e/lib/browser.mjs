// Debian's Chromium and Firefox with a fake camera and microphone.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, firefox } from 'playwright-core';

const WITNESS = fileURLToPath(new URL('witness.js', import.meta.url));

export const CHROMIUM = '/usr/bin/chromium';
export const FIREFOX = '/usr/bin/firefox-esr';

const CHROMIUM_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
  '--use-fake-device-for-media-stream=device-count=3,fps=30',
];

/** Answers the camera question with yes before it is asked. */
const FAKE_UI = '--use-fake-ui-for-media-stream';

const FIREFOX_PREFS = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
};

/** Small enough that five pages with cameras fit on two cores. */
export const SMALL = { width: 960, height: 640 };

/** @param {{ args?: string[], executablePath?: string, fakeUi?: boolean }} options */
export function openChromium({ args = [], executablePath = CHROMIUM, fakeUi = true } = {}) {
  return chromium.launch({ executablePath, args: [...CHROMIUM_ARGS, ...(fakeUi ? [FAKE_UI] : []), ...args] });
}

export function openFirefox() {
  return firefox.launch({ channel: 'moz-firefox', executablePath: FIREFOX, firefoxUserPrefs: FIREFOX_PREFS });
}

/** A visitor: a context of its own, as another person has another profile. Camera 320×240, so that tests fit on two cores. */
export async function visitor(browser, { locale = 'en-US', viewport = SMALL, camera = { width: 320, height: 240 }, ...options } = {}) {
  const isFirefox = browser.browserType().name() === 'firefox';
  // Debian's Firefox is driven by WebDriver BiDi, which has no emulation of these.
  const emulation = isFirefox
    ? { colorScheme: null, reducedMotion: null, forcedColors: null, contrast: null, viewport: null }
    : { viewport, locale, ...options };
  const context = await browser.newContext(emulation);
  if (camera) await context.addInitScript(smallCamera, camera);
  await context.addInitScript({ path: WITNESS });
  return context;
}

// Bounds what the page asks of the camera. Runs in the page.
function smallCamera({ width, height }) {
  const { mediaDevices } = navigator;
  if (!mediaDevices) return;
  const native = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = (wish = {}) => {
    const video = wish.video && { ...(wish.video === true ? {} : wish.video), width, height };
    return native({ ...wish, ...(video && { video }) });
  };
}

/** A Chromium that can be killed as a crash or the out-of-memory killer would: all its processes at once, without a word. */
export async function openDoomedChromium({ args = [] } = {}) {
  // What it has no time to tidy up itself.
  const scratch = await mkdtemp(join(tmpdir(), 'zzan-e2e-doomed-'));
  const env = { ...process.env, TMPDIR: scratch };
  const server = await chromium.launchServer({ executablePath: CHROMIUM, env, args: [...CHROMIUM_ARGS, FAKE_UI, ...args] });
  const { pid } = server.process();
  return {
    browser: await chromium.connect(server.wsEndpoint()),
    // The negative pid is the process group, which playwright makes for every browser that it starts.
    kill: () => process.kill(-pid, 'SIGKILL'),
    async close() {
      await server.close().catch(() => {});
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

/** The witness of a page or frame. @param {import('playwright-core').Page | import('playwright-core').Frame} page */
export function witness(page) {
  const call = (name) => (argument) => page.evaluate(([method, value]) => window.__witness[method](value), [name, argument]);
  return {
    look: call('look'),
    listen: call('listen'),
    heardLevels: call('heardLevels'),
    inbound: call('inbound'),
    outbound: call('outbound'),
    flow: call('flow'),
    peers: call('peers'),
    joinMs: call('joinMs'),
    recordMedia: call('recordMedia'),
    recorded: call('recorded'),
    watchGaps: call('watchGaps'),
    gaps: call('gaps'),
    paths: call('paths'),
  };
}
