// Small tiles, large ones and none: what a subscriber gets, and what its publisher sends. Shared by the test (once) and the benchmark (many).

import { openChromium, openFirefox, visitor } from './browser.mjs';
import { sleep, until } from './figures.mjs';
import { Visit } from './page.mjs';

/** The promises. */
export const LAYERS = { enlargedMaxMs: 1_000, offMaxMs: 3_000 };

/** Chromium sends three layers from here on. */
const CAMERA = { width: 960, height: 540 };

/** One tile that fills the window, so that the largest layer is wanted. */
const LARGE_STAGE = '.tile[data-self="true"] { display: none } .grid { grid-template: minmax(0, 1fr) / minmax(0, 1fr) !important }';
const SMALL_STAGE = '.stage { width: 340px !important; height: 120px !important; flex: none } .call { align-items: start }';

/** A publisher's layer sends no more once its bytes stood still for so long. */
const STILL_MS = 900;

/** Chromium and Firefox in one room, each the other's publisher and subscriber. */
export async function openPair(server) {
  const chromium = await openChromium({ args: ['--force-fieldtrials=WebRTC-LegacySimulcastLayerLimit/Disabled/'] });
  const firefox = await openFirefox();
  const visits = {};
  for (const [name, browser] of [['Chromium', chromium], ['Firefox', firefox]]) {
    visits[name] = await Visit.open(await visitor(browser, { camera: CAMERA, viewport: { width: 1280, height: 800 } }), server);
  }
  await visits.Chromium.enterLobby('Chromium');
  const room = await visits.Chromium.createRoom({ name: 'layers', size: 2 });
  await visits.Chromium.join();
  await visits.Firefox.standBefore(room, { name: 'Firefox' });
  await visits.Firefox.join();
  for (const visit of Object.values(visits)) {
    await prepare(visit.page);
    await visit.seeMoving(1);
  }
  const close = () => Promise.allSettled([chromium.close(), firefox.close()]);
  return { visits, close };
}

async function prepare(page) {
  await page.evaluate(([small, large]) => {
    // A sheet, not a text: the page's policy allows no inline style.
    window.__stage = (isSmall) => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(isSmall ? small : large);
      document.adoptedStyleSheets = [sheet];
    };
    window.__stage(false);
  }, [SMALL_STAGE, LARGE_STAGE]);
}

export const shrink = (visit) => visit.page.evaluate(() => window.__stage(true));

/** Enlarges the tile; ms until the picture on the screen is a larger one. */
export function enlarge(visit) {
  return visit.page.evaluate(async () => {
    const video = document.querySelector('[data-testid="tile-video"]');
    const before = video.videoWidth;
    const since = performance.now();
    window.__stage(false);
    while (video.videoWidth <= before) {
      if (performance.now() - since > 20_000) throw new Error(`still ${video.videoWidth} wide`);
      await new Promise((done) => setTimeout(done, 5));
    }
    return performance.now() - since;
  });
}

/** The one remote video of a page. */
export async function received(visit) {
  const rows = (await visit.witness.inbound()).filter(({ kind, packetsReceived }) => kind === 'video' && packetsReceived > 0);
  return rows.reduce((most, row) => (row.bytesReceived > most.bytesReceived ? row : most), { bytesReceived: 0, frameWidth: 0, freezeCount: 0, framesDecoded: 0 });
}

/** Bytes sent so far by layer of the camera. */
export async function sent(visit) {
  const rows = (await visit.witness.outbound()).filter(({ kind, rid }) => kind === 'video' && rid);
  return Object.fromEntries(rows.map(({ rid, bytesSent }) => [rid, bytesSent]));
}

/** The layers that send within a second. */
export async function sending(visit) {
  const before = await sent(visit);
  await sleep(1_000);
  const now = await sent(visit);
  return Object.keys(now).filter((rid) => now[rid] > (before[rid] ?? 0)).sort();
}

/** Waits until these layers send no more; ms from `since` until their last byte. */
export async function untilOff(visit, rids, since = performance.now()) {
  let last = await sent(visit);
  let changed = performance.now();
  await until(`${rids} off`, async () => {
    const now = await sent(visit);
    if (rids.some((rid) => now[rid] !== last[rid])) [last, changed] = [now, performance.now()];
    return performance.now() - changed;
  }, (still) => still > STILL_MS, { within: 20_000 });
  return Math.max(0, changed - since);
}

