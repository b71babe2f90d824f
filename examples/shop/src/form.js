// What people send, parsed and bounded.

const BODY_MAX_BYTES = 4_096;
const NAME_MAX_CHARS = 20;

export class BadRequest extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Reads an URL-encoded form. @throws {BadRequest} when it is too long or of another type */
export async function readForm(request) {
  if (!/^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? '')) {
    throw new BadRequest(415, 'not a form');
  }
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > BODY_MAX_BYTES) throw new BadRequest(413, 'the form is too long');
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

/** A name that can be shown: trimmed, one line, 1–20 characters. @returns {string | undefined} */
export function parseName(value) {
  const name = (value ?? '').normalize('NFC').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ').replace(/\s+/g, ' ').trim();
  const length = [...name].length;
  return length >= 1 && length <= NAME_MAX_CHARS ? name : undefined;
}

/** Seats of a table. @returns {number | undefined} */
export function parseSeats(value) {
  return /^[234]$/.test(value ?? '') ? Number(value) : undefined;
}

/** The form's one-time key, by which a double click opens one table. @returns {string | undefined} */
export function parseOrder(value) {
  return /^[0-9a-f-]{36}$/.test(value ?? '') ? value : undefined;
}

/** Whether a form was sent from a page of this shop. Browsers that send neither header are too old to be let in. */
export function isSameOrigin(request) {
  const { origin, host } = request.headers;
  const site = request.headers['sec-fetch-site'];
  if (site) return site === 'same-origin';
  return URL.canParse(origin ?? '') && new URL(origin).host === host;
}
