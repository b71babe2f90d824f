// Addresses that others give: which of them may be followed.

/** An https address as the browser reads it; nothing for anything else. */
export function httpsOf(address: unknown): string | undefined {
  const url = typeof address === 'string' ? parsed(address) : undefined;
  return url?.protocol === 'https:' ? url.href : undefined;
}

/** A place of this site, by its path or whole; nothing for what is on another one. */
export function ownPathOf(address: string): string | undefined {
  const url = parsed(address, location.origin);
  return url?.origin === location.origin ? url.pathname + url.search + url.hash : undefined;
}

function parsed(address: string, base?: string): URL | undefined {
  try {
    return new URL(address, base);
  } catch {
    return undefined;
  }
}
