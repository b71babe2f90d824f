// Reads the environment once. A wrong value ends the process with the key, the value and what is allowed.

const PORT_MAX = 65_535;

/**
 * @param {Record<string, string | undefined>} env
 * @returns {{ zzanUrl: URL, apiKey: string, host: string, port: number }}
 */
export function configFrom(env) {
  return {
    zzanUrl: url('ZZAN_URL', env.ZZAN_URL ?? 'http://127.0.0.1:8080'),
    apiKey: `${env.ZZAN_KEY ?? 'devkey'}:${secret(env)}`,
    host: env.HOST ?? '127.0.0.1',
    port: port('PORT', env.PORT ?? '3000'),
  };
}

function url(key, value) {
  const parsed = URL.canParse(value) ? new URL(value) : undefined;
  if (!parsed || !['http:', 'https:'].includes(parsed.protocol)) {
    throw new Error(`${key}=${value}: give an http or https URL`);
  }
  return parsed;
}

function port(key, value) {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 0 || number > PORT_MAX) {
    throw new Error(`${key}=${value}: give a port between 0 and ${PORT_MAX} (0 takes a free one)`);
  }
  return number;
}

// The public secret of `zzan serve --dev` stands in only beside the key that it belongs to.
function secret(env) {
  if (env.ZZAN_SECRET) return env.ZZAN_SECRET;
  if ((env.ZZAN_KEY ?? 'devkey') === 'devkey') return 'devsecret-devsecret-devsecret-32ch';
  throw new Error('ZZAN_SECRET is missing: give the secret of ZZAN_KEY');
}
