// One person receives another over a network that loses 5 %, then over a link of 600 kbit/s, then over one that is dead for 2 s. What the browser
// says of it, phase by phase, against what is promised. As root: it makes network namespaces.

import { openApart, whySkipped } from '../lib/apart.mjs';
import { visitor } from '../lib/browser.mjs';
import { sleep } from '../lib/figures.mjs';
import { Visit } from '../lib/page.mjs';

/** Its largest layer needs more than the narrow link has, and the receiver's tile is large enough to ask for it. */
const CAMERA = { width: 1280, height: 720 };
const VIEWPORT = { width: 2560, height: 1400 };
const CHROMIUM_ARGS = ['--force-fieldtrials=WebRTC-LegacySimulcastLayerLimit/Disabled/'];

const FALLS_MS = 3_000;
const CLIMBS_MS = 10_000;
const FREEZE_MS = 1_000;
/** Audio counts as unbroken up to this share of made-up samples: what is lost is made up, and a buffer that runs dry would add to it. */
const CONCEALED_MAX = 0.05;
const CONCEALED_LOSSY_MAX = 0.08;

const reason = await whySkipped();
if (reason) {
  console.error(reason);
  process.exit(2);
}

const apart = await openApart();
const broken = [];
const check = (what, holds) => {
  console.log(`  ${holds ? 'holds ' : 'BROKEN'} ${what}`);
  if (!holds) broken.push(what);
};

try {
  const observer = await apart.observe();
  const join = async (browser, name, camera, viewport) => {
    const visit = await Visit.open(await visitor(browser, { camera, viewport }), apart.server, `/r/${observer.room}`);
    await visit.standBefore(observer.room, { name });
    await visit.join();
    return visit;
  };
  const sender = await join(await apart.openNearBrowser(CHROMIUM_ARGS), 'Sender', CAMERA, { width: 640, height: 480 });
  const receiver = await join(await apart.openFarBrowser(CHROMIUM_ARGS), 'Receiver', { width: 320, height: 180 }, VIEWPORT);
  await Promise.all([sender.seeMoving(1), receiver.seeMoving(1)]);
  await receiver.witness.recordMedia();

  const phase = async (name, ms, impair) => {
    await impair();
    const { now: from } = await receiver.witness.recorded();
    await sleep(ms);
    const { rows } = await receiver.witness.recorded();
    const part = rows.filter(({ at }) => at >= from).map((row) => ({ ...row, at: row.at - from }));
    console.log(`${name}: ${describe(part)}`);
    return part;
  };

  const clear = await phase('clear', 20_000, async () => {});
  const layers = (await sender.witness.outbound()).filter(({ kind, active }) => kind === 'video' && active);
  console.log(`  sent: ${layers.map((row) => `${row.rid ?? '-'} ${row.frameWidth} px ${row.framesPerSecond} frames/s`).join(', ')}`);
  const full = Math.max(...clear.slice(-10).map(({ width }) => width));

  const lossy = await phase('5 % loss', 15_000, () => apart.cable.filter({ in: 'meta l4proto udp numgen random mod 100 < 5 drop' }));
  check(`audio at 5 % loss: ${percent(concealed(lossy))} made up`, concealed(lossy) <= CONCEALED_LOSSY_MAX);
  await phase('clear', 8_000, () => apart.cable.filter({}));

  const narrow = await phase('600 kbit/s', 15_000, () => apart.cable.narrow(600));
  const fell = narrow.find(({ width }) => width > 0 && width < full);
  check(`video falls to a lower layer: ${fell ? `after ${Math.round(fell.at)} ms` : 'never'}`, fell !== undefined && fell.at <= FALLS_MS);
  check(`audio at 600 kbit/s: ${percent(concealed(narrow))} made up`, concealed(narrow) <= CONCEALED_MAX);
  const wide = await phase('clear', 15_000, () => apart.cable.narrow());
  const climbed = wide.find(({ width }) => width >= full);
  check(`video climbs back to ${full} px: ${climbed ? `after ${Math.round(climbed.at)} ms` : 'never'}`, climbed !== undefined && climbed.at <= CLIMBS_MS);

  await apart.cable.filter({ in: 'drop', out: 'drop' });
  await sleep(2_000);
  const after = await phase('after a blackout of 2 s', 10_000, () => apart.cable.filter({}));
  const back = after.find(({ frames }, index) => index > 0 && frames > after[0].frames);
  const rest = after.filter(({ at }) => back && at >= back.at);
  console.log(`  first frame ${back ? `${Math.round(back.at)} ms` : 'never'} after the blackout`);
  check(`longest freeze after that: ${Math.round(longestStill(rest))} ms`, back !== undefined && longestStill(rest) <= FREEZE_MS);
} finally {
  await apart.close();
}

console.log(broken.length === 0 ? 'all of it holds' : `broken: ${broken.join('; ')}`);
process.exitCode = broken.length === 0 ? 0 : 1;

function describe(rows) {
  const [first, last] = [rows[0], rows.at(-1)];
  const seconds = (last.at - first.at) / 1_000;
  const widths = rows.map(({ width }) => width).filter((width, index, all) => width !== all[index - 1]);
  const kbit = ((last.bytes - first.bytes) * 8) / seconds / 1_000;
  return `${Math.round(kbit)} kbit/s, ${((last.frames - first.frames) / seconds).toFixed(1)} frames/s, widths ${widths.join(' → ')}, `
    + `${percent(concealed(rows))} of audio made up, ${last.freezes - first.freezes} freezes of ${(last.frozen - first.frozen).toFixed(1)} s in all`;
}

/** The share of audio that the browser had to make up. */
function concealed(rows) {
  const [first, last] = [rows[0], rows.at(-1)];
  return (last.concealed - first.concealed) / Math.max(1, last.samples - first.samples);
}

function longestStill(rows) {
  let [longest, since] = [0, rows[0]];
  for (const row of rows) {
    if (row.frames !== since?.frames) since = row;
    longest = Math.max(longest, row.at - since.at);
  }
  return longest;
}

function percent(share) {
  return `${(share * 100).toFixed(1)} %`;
}
