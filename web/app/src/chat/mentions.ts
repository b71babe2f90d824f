// Mentions: on the wire `<@user>`, `<@&role>` and `<@everyone>`, for people `@name`. Pure. A draft is what people see while they write, and
// remembers whom its names stand for; a name that was changed by hand stands for nobody, until it is written out again.

import type { Mention } from 'zzan-client';

/** A mention as it stands in a text. */
export interface Mentioned extends Mention {
  readonly raw: string;
}

/** A name in a draft that stands for `raw`. */
interface Mark {
  readonly at: number;
  readonly length: number;
  readonly raw: string;
}

export interface Draft {
  readonly text: string;
  /** In their order. */
  readonly marks: readonly Mark[];
}

export const EMPTY: Draft = { text: '', marks: [] };

/** What stands between an opening and the next end, as the server reads it. */
const MENTION = /<@((?:(?!<@)[^>])*)>/g;

/** The server's limit. */
const ID_BYTES_MAX = 128;

/** A word like this before the `@` makes it an address of mail. */
const ADDRESS = /[A-Za-z0-9._+-]/;

/** Longest beginning of a name that is looked for. */
const QUERY_MAX = 32;

/** A text cut into what is said and who is mentioned. */
export function partsOf(text: string): (string | Mentioned)[] {
  const parts: (string | Mentioned)[] = [];
  let from = 0;
  for (const match of text.matchAll(MENTION)) {
    const mentioned = mentionOf(match[0], match[1] ?? '');
    if (!mentioned) continue;
    if (match.index > from) parts.push(text.slice(from, match.index));
    parts.push(mentioned);
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}

function mentionOf(raw: string, inside: string): Mentioned | undefined {
  if (inside === 'everyone') return { kind: 'everyone', raw };
  const isRole = inside.startsWith('&');
  const id = isRole ? inside.slice(1) : inside;
  const bytes = new TextEncoder().encode(id).length;
  if (bytes < 1 || bytes > ID_BYTES_MAX || /\p{Cc}/u.test(id)) return undefined;
  return { kind: isRole ? 'role' : 'user', id, raw };
}

/** What stands on the wire for a mention. */
export function rawOf({ kind, id = '' }: Mention): string {
  switch (kind) {
    case 'everyone':
      return '<@everyone>';
    case 'role':
      return `<@&${id}>`;
    case 'user':
      return `<@${id}>`;
  }
}

/** A text with names instead of ids; mentions of nobody that is known stay as they are. */
export function plainText(text: string, labelOf: (mention: Mention) => string | undefined): string {
  return partsOf(text).map((part) => (typeof part === 'string' ? part : (labelOf(part) ?? part.raw))).join('');
}

/** The draft of a text that was sent. */
export function draftOf(text: string, labelOf: (mention: Mention) => string | undefined): Draft {
  let shown = '';
  const marks: Mark[] = [];
  for (const part of partsOf(text)) {
    const label = typeof part === 'string' ? undefined : labelOf(part);
    if (typeof part !== 'string' && label !== undefined) marks.push({ at: shown.length, length: label.length, raw: part.raw });
    shown += typeof part === 'string' ? part : (label ?? part.raw);
  }
  return { text: shown, marks };
}

/** The text of a draft as it is sent. */
export function wireOf({ text, marks }: Draft): string {
  let wire = '';
  let from = 0;
  for (const { at, length, raw } of marks) {
    wire += text.slice(from, at) + raw;
    from = at + length;
  }
  return wire + text.slice(from);
}

/** The draft after its field has another text. `caret` is where the change ended: of two equal names it tells which one went. */
export function edited({ text: before, marks }: Draft, text: string, caret = text.length): Draft {
  const shorter = Math.min(before.length, text.length);
  let kept = 0;
  while (kept < Math.min(shorter, text.length - caret) && before.at(-1 - kept) === text.at(-1 - kept)) kept += 1;
  let start = 0;
  while (start < shorter - kept && before[start] === text[start]) start += 1;
  while (kept < shorter - start && before.at(-1 - kept) === text.at(-1 - kept)) kept += 1;
  const end = before.length - kept;
  const shift = text.length - before.length;
  const moved = marks.flatMap((mark) => {
    if (start >= mark.at + mark.length) return [mark];
    return end <= mark.at ? [{ ...mark, at: mark.at + shift }] : [];
  });
  return { text, marks: moved };
}

/** Puts a name in the place of what was written of it, and where the caret is then. */
export function mentioning(draft: Draft, from: number, to: number, label: string, raw: string): { draft: Draft; caret: number } {
  const { text, marks } = edited(draft, `${draft.text.slice(0, from)}${draft.text.slice(to)}`, from);
  const rest = text.slice(from);
  const inserted = rest.startsWith(' ') ? label : `${label} `;
  const apart = marks.map((mark) => (mark.at >= from ? { ...mark, at: mark.at + inserted.length } : mark));
  const all = [...apart, { at: from, length: label.length, raw }].sort((a, b) => a.at - b.at);
  return { draft: { text: text.slice(0, from) + inserted + rest, marks: all }, caret: from + label.length + 1 };
}

/** The beginning of a name that is being written before the caret, and where its `@` stands. */
export function queryAt(draft: Draft, caret: number): { from: number; query: string } | undefined {
  const from = draft.text.lastIndexOf('@', caret - 1);
  if (from < 0 || caret - from - 1 > QUERY_MAX) return undefined;
  const query = draft.text.slice(from + 1, caret);
  return /\s/.test(query) || !beginsName(draft, from) ? undefined : { from, query };
}

function beginsName({ text, marks }: Draft, at: number): boolean {
  if (at > 0 && ADDRESS.test(text[at - 1] ?? '')) return false;
  return !marks.some((mark) => at >= mark.at && at < mark.at + mark.length);
}

/** A name, without its `@`, and whom it stands for on the wire. */
export interface Named {
  readonly name: string;
  readonly raw: string;
}

/** Names that were written out instead of picked stand for whom they name, if that is one alone and no letter follows. */
export function spelledOut(draft: Draft, names: readonly Named[]): Draft {
  const found = [...draft.text.matchAll(/@/g)].flatMap(({ index: at }) => {
    if (!beginsName(draft, at)) return [];
    const rest = draft.text.slice(at + 1);
    const fits = names.filter(({ name }) => folded(rest.slice(0, name.length)) === folded(name) && !/^[\p{L}\p{N}]/u.test(rest.slice(name.length)));
    const length = Math.max(...fits.map(({ name }) => name.length));
    const [raw, ...others] = new Set(fits.filter(({ name }) => name.length === length).map((one) => one.raw));
    return raw === undefined || others.length > 0 ? [] : [{ at, length: length + 1, raw }];
  });
  return { text: draft.text, marks: [...draft.marks, ...found].sort((a, b) => a.at - b.at) };
}

/** As names are compared. */
export function folded(text: string): string {
  return text.normalize('NFC').toLocaleLowerCase();
}
