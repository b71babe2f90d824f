// Files on their way to where the server says. They never pass through the server itself.

import type { Client } from './client.js';
import { ZzanError } from './errors.js';
import type { Attachment } from './protocol.gen.js';

/** Puts a file where messages of `channel` may refer to it. Rejects with a `ZzanError`. */
export async function uploadFile(client: Client, channel: string, file: Blob, name: string, signal?: AbortSignal): Promise<Attachment> {
  const described = { name, mime: mimeOf(file), size_bytes: file.size };
  const { upload_url, headers, url } = await client.request('chat:upload', { channel, ...described });
  let response: Response;
  try {
    response = await fetch(upload_url, { method: 'PUT', headers, body: file, ...(signal ? { signal } : {}) });
  } catch (cause) {
    throw signal?.aborted ? new ZzanError('closed', 'the upload was given up') : new ZzanError('unreachable', ZzanError.from(cause).message);
  }
  if (!response.ok) throw new ZzanError('unavailable', `the file was not taken: ${response.status}`);
  return { url, ...described };
}

/** Without parameters, which the server doesn't take. */
function mimeOf(file: Blob): string {
  return file.type.split(';')[0]?.trim() || 'application/octet-stream';
}
