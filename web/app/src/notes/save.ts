// Hands the browser a note to keep as a file.

import type { Note, NoteFormat } from 'zzan-client';

const KINDS: Record<NoteFormat, { type: string; ending: string }> = {
  markdown: { type: 'text/markdown;charset=utf-8', ending: 'md' },
  text: { type: 'text/plain;charset=utf-8', ending: 'txt' },
};

/** Long enough for a browser to have begun with it. */
const KEPT_MS = 60_000;

export function saveText(note: Note, format: NoteFormat, text: string): void {
  const { type, ending } = KINDS[format];
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = `${fileNameOf(note)}.${ending}`;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
}

/** The day and the name, without what file systems can't take. */
export function fileNameOf({ name, started_at }: Pick<Note, 'name' | 'started_at'>): string {
  const day = started_at.slice(0, 10);
  const plain = name.replace(/[\p{Cc}\p{Cf}<>:"/\\|?*]+/gu, ' ').replace(/\s+/g, ' ').replace(/^[. ]+|[. ]+$/g, '');
  return [day, plain].filter(Boolean).join(' ');
}
