// Small arithmetic over measurements.

/** Nearest-rank percentile. @param {number[]} values @param {number} p 0–100 */
export function percentile(values, p) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)];
}

/** One line for people. @param {string} what @param {number[]} values in ms */
export function summary(what, values) {
  const [p50, p95, p99, max] = [50, 95, 99, 100].map((p) => Math.round(percentile(values, p)));
  return `${what}: n=${values.length} p50=${p50} ms p95=${p95} ms p99=${p99} ms max=${max} ms`;
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Asks until the answer passes. @template T @param {() => Promise<T> | T} ask @returns {Promise<T>} */
export async function until(what, ask, passes = Boolean, { within = 10_000, every = 50 } = {}) {
  const end = Date.now() + within;
  let answer;
  do {
    answer = await ask();
    if (passes(answer)) return answer;
    await sleep(every);
  } while (Date.now() < end);
  throw new Error(`${what}: not within ${within} ms; last: ${JSON.stringify(answer)}`);
}
