// Files on their way to where the server says. They never pass through the server itself.

import type { Client } from './client.js';
import { ZzanError } from './errors.js';
import type { Attachment, ChatUploadGranted } from './protocol.gen.js';

/** Types whose size in pixels is told with them, so that readers keep their place free. */
const PICTURES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/avif'];

export interface UploadOptions {
  /** Gives the upload up. */
  signal?: AbortSignal;
  /** Told the share that is sent, from 0 to 1. */
  onProgress?: (share: number) => void;
}

/** Puts a file where messages of `channel` may refer to it. Rejects with a `ZzanError`. */
export async function uploadFile(client: Client, channel: string, file: Blob, name: string, options: UploadOptions = {}): Promise<Attachment> {
  const described = { name, mime: mimeOf(file), size_bytes: file.size };
  const granted = await client.request('chat:upload', { channel, ...described });
  const pixels = await pixelsOf(file, described.mime);
  await put(granted, file, options);
  return { url: granted.url, ...described, ...pixels };
}

async function put({ upload_url, headers }: ChatUploadGranted, file: Blob, { signal, onProgress }: UploadOptions): Promise<void> {
  const status = onProgress ? await putByRequest(upload_url, headers, file, onProgress, signal) : await putByFetch(upload_url, headers, file, signal);
  if (status < 200 || status >= 300) throw new ZzanError('unavailable', `the file was not taken: ${status}`);
}

async function putByFetch(url: string, headers: Record<string, string>, file: Blob, signal: AbortSignal | undefined): Promise<number> {
  try {
    return (await fetch(url, { method: 'PUT', headers, body: file, ...(signal ? { signal } : {}) })).status;
  } catch (cause) {
    throw signal?.aborted ? givenUp() : new ZzanError('unreachable', ZzanError.from(cause).message);
  }
}

/** `fetch` tells nothing of how far it is. */
function putByRequest(url: string, headers: Record<string, string>, file: Blob, onProgress: (share: number) => void, signal: AbortSignal | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(givenUp());
    const request = new XMLHttpRequest();
    request.open('PUT', url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    request.onload = () => resolve(request.status);
    request.onerror = () => reject(new ZzanError('unreachable', 'the file could not be sent'));
    request.onabort = () => reject(givenUp());
    signal?.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}

function givenUp(): ZzanError {
  return new ZzanError('closed', 'the upload was given up');
}

/** Without parameters, which the server doesn't take. */
function mimeOf(file: Blob): string {
  return file.type.split(';')[0]?.trim() || 'application/octet-stream';
}

/** Nothing for what is no picture, or can't be read as one. */
async function pixelsOf(file: Blob, mime: string): Promise<{ width?: number; height?: number }> {
  if (!PICTURES.includes(mime) || typeof createImageBitmap === 'undefined') return {};
  try {
    const picture = await createImageBitmap(file);
    const { width, height } = picture;
    picture.close();
    return { width, height };
  } catch {
    return {};
  }
}
