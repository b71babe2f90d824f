// Names a change, so that the server makes it once however often it is asked.

/** 128 random bits. Not `randomUUID`: that is missing on pages without TLS. */
export function newNonce(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
