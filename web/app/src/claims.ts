// What a token says, to show it. The server alone checks it.

export interface Claims {
  name: string;
  /** What it opens: everything of a user, or one room. Empty where it can't be read. */
  kind: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

export function claimsOf(token: string): Claims {
  try {
    const body = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
    const bytes = Uint8Array.from(atob(body), (char) => char.charCodeAt(0));
    const { name, typ, exp } = JSON.parse(new TextDecoder().decode(bytes)) as { name?: unknown; typ?: unknown; exp?: unknown };
    return { name: textOf(name), kind: textOf(typ), expiresAt: typeof exp === 'number' ? exp * 1000 : 0 };
  } catch {
    return { name: '', kind: '', expiresAt: 0 };
  }
}

function textOf(claim: unknown): string {
  return typeof claim === 'string' ? claim : '';
}
