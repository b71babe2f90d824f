/** Up to two characters that stand for a name: of two Latin words the initials, of a Korean name its last two syllables. */
export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const chars = [...(words[0] ?? '')];
  if (/^\p{Script=Hangul}/u.test(words[0] ?? '')) return chars.slice(-2).join('');
  const second = words.length > 1 ? [...(words.at(-1) ?? '')][0] : undefined;
  return ((chars[0] ?? '?') + (second ?? '')).toUpperCase();
}

/** The same colour for the same person, on every screen. */
function hueClass(key: string): string {
  let hash = 0;
  for (const char of key) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return `hue-${hash % 6}`;
}

export function Avatar({ name, id }: { name: string; id: string }) {
  return <span className={`avatar ${hueClass(id)}`} aria-hidden="true">{initialsOf(name)}</span>;
}
