// The four calls to zzan that a shop needs. Every failure becomes one `ZzanError`, whose `code` says what the shop can do about it.

const TIMEOUT_MS = 5_000;

export class ZzanError extends Error {
  /**
   * @param {string} code zzan's own code, or `unreachable` when there was no answer that could be understood
   * @param {string} message for the log
   */
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
  }
}

export class Zzan {
  #base;
  #apiKey;

  /**
   * @param {URL} base
   * @param {string} apiKey `key:secret`
   */
  constructor(base, apiKey) {
    this.#base = base;
    this.#apiKey = apiKey;
  }

  /**
   * Makes a room. The same `idempotencyKey` makes it once, however often this is called.
   * @param {{ name: string, capacity: number }} room
   * @param {string} idempotencyKey
   */
  createRoom(room, idempotencyKey) {
    return this.#call('POST', '/v1/rooms', room, idempotencyKey);
  }

  /** @param {string} id */
  room(id) {
    return this.#call('GET', `/v1/rooms/${encodeURIComponent(id)}`);
  }

  /**
   * Makes a link that opens the room for whoever has it.
   * @param {string} roomId
   * @param {{ ttl_s: number, max_uses: number, name?: string }} link
   * @param {string} idempotencyKey
   * @returns {Promise<{ url: string, expires_at: string }>}
   */
  createLink(roomId, link, idempotencyKey) {
    return this.#call('POST', `/v1/rooms/${encodeURIComponent(roomId)}/links`, link, idempotencyKey);
  }

  async #call(method, path, body, idempotencyKey) {
    const headers = { authorization: `Bearer ${this.#apiKey}`, accept: 'application/json' };
    if (body) headers['content-type'] = 'application/json';
    if (idempotencyKey) headers['idempotency-key'] = idempotencyKey;
    let response, text;
    try {
      response = await fetch(new URL(path, this.#base), {
        method,
        headers,
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      text = await response.text();
    } catch (cause) {
      throw new ZzanError('unreachable', `${method} ${path}: no answer`, { cause });
    }
    const answer = parse(text);
    if (response.ok && answer) return answer;
    throw new ZzanError(answer?.code ?? 'unreachable', `${method} ${path}: ${response.status} ${answer?.detail ?? ''}`);
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
