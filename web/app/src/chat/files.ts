// What is said of files: whether one can be uploaded, whether it is a picture to be shown, how large it is in words.

import type { Attachment } from 'zzan-client';

/** The server's limits. */
export const FILES_MAX = 10;
const NAME_BYTES_MAX = 255;

/** Pictures that every browser shows and that run nothing. */
const PICTURES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/avif'];

export type FileProblem = 'tooLarge' | 'empty' | 'badName';

/** Why a file can't be uploaded, as far as that is known before. */
export function problemOf(file: File, maxBytes: number): FileProblem | undefined {
  if (file.size > maxBytes) return 'tooLarge';
  if (file.size === 0) return 'empty';
  return new TextEncoder().encode(file.name).length > NAME_BYTES_MAX ? 'badName' : undefined;
}

export function isPicture({ mime }: Pick<Attachment, 'mime'>): boolean {
  return PICTURES.includes(mime.toLowerCase());
}

/** Whether an address may be opened: what the server lets through, looked at once more. */
export function isOpenable(address: string): boolean {
  try {
    const { protocol, username, password } = new URL(address);
    return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '';
  } catch {
    return false;
  }
}

/** A size in words: `2.3 MB`. */
export function sizeText(bytes: number, language: string): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];
  const step = Math.min(units.length - 1, Math.floor(Math.log(Math.max(1, bytes)) / Math.log(1024)));
  const value = bytes / 1024 ** step;
  const maximumFractionDigits = step < 2 || value >= 100 ? 0 : 1;
  return new Intl.NumberFormat(language, { style: 'unit', unit: units[step] ?? 'byte', unitDisplay: step === 0 ? 'long' : 'short', maximumFractionDigits }).format(value);
}

/** The kind of a file in few letters: the end of its name, else of its type. */
export function kindText({ name, mime }: Pick<Attachment, 'name' | 'mime'>): string {
  const end = /\.([\p{L}\p{N}]{1,6})$/u.exec(name)?.[1];
  return (end ?? mime.split('/')[1] ?? '').slice(0, 12).toUpperCase();
}
