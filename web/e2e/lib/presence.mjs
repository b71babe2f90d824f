// Closing a tab, and what the others are told about it. Shared by the test (a few rounds) and the benchmark (many).

import { performance } from 'node:perf_hooks';

/** The promise. */
export const TAB_CLOSED = { reconnectingMaxMs: 500, leftMaxMs: 3_000 };

const WAIT_MS = 25_000;

/**
 * Closes the tab as a person does, with its unload handlers.
 * @param {import('playwright-core').Page} page
 * @param {import('./socket.mjs').Client} observer
 * @param {string} participant the id of who is in the tab
 * @returns {Promise<{ reconnecting: number, left: number, reason: string }>} ms since the order to close
 */
export async function closeTabAndWatch(page, observer, participant) {
  const since = performance.now();
  const options = { after: since, within: WAIT_MS };
  const reconnecting = observer.when(
    'participant:updated',
    (event) => event.participant.id === participant && event.state === 'reconnecting',
    options,
  );
  const left = observer.when('participant:left', (event) => event.participant === participant, options);
  await page.close({ runBeforeUnload: true });
  const [first, last] = await Promise.all([reconnecting, left]);
  return { reconnecting: first.at - since, left: last.at - since, reason: last.data.reason };
}
