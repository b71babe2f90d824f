// Files that are to go with the message that is being written: uploaded at once, so that sending doesn't wait for them.

import { useEffect, useRef, useState } from 'react';
import type { Attachment, Chat } from 'zzan-client';
import { useWords } from '../i18n';
import { FILES_MAX, problemOf, sizeText } from './files';

export interface PendingFile {
  readonly key: number;
  readonly file: File;
  readonly state: 'uploading' | 'done' | 'failed';
  /** Of its bytes are sent, from 0 to 1. */
  readonly share: number;
  readonly attachment?: Attachment;
}

export interface Files {
  readonly pending: readonly PendingFile[];
  /** Why something isn't among them. */
  readonly problem: string | undefined;
  readonly isReady: boolean;
  add: (files: readonly File[]) => void;
  retry: (key: number) => void;
  remove: (key: number) => void;
  /** Takes those that are uploaded away: they go with a message. */
  take: () => Attachment[];
}

export function useFiles(chat: Chat): Files {
  const { language, t } = useWords();
  const words = t.messages.files;
  const [pending, setPending] = useState<readonly PendingFile[]>([]);
  const [problem, setProblem] = useState<string>();
  const lastKey = useRef(0);
  const running = useRef(new Map<number, AbortController>());

  useEffect(() => () => running.current.forEach((controller) => controller.abort()), []);

  const change = (key: number, by: Partial<PendingFile>) => setPending((known) => known.map((one) => (one.key === key ? { ...one, ...by } : one)));
  const start = (key: number, file: File) => {
    const controller = new AbortController();
    running.current.set(key, controller);
    chat.upload(file, file.name, { signal: controller.signal, onProgress: (share) => change(key, { share }) }).then(
      (attachment) => change(key, { state: 'done', share: 1, attachment }),
      () => change(key, { state: 'failed', share: 0 }),
    ).finally(() => running.current.delete(key));
  };
  const add = (files: readonly File[]) => {
    const maxBytes = chat.uploads?.max_bytes ?? 0;
    const problems: string[] = [];
    const taken: PendingFile[] = [];
    for (const file of files) {
      const what = problemOf(file, maxBytes);
      if (what === 'tooLarge') problems.push(words.tooLarge(file.name, sizeText(maxBytes, language)));
      else if (what) problems.push(words[what](file.name));
      else if (pending.length + taken.length >= FILES_MAX) problems.push(words.tooMany(FILES_MAX));
      else taken.push({ key: ++lastKey.current, file, state: 'uploading', share: 0 });
    }
    setProblem([...new Set(problems)].join(' ') || undefined);
    setPending((known) => [...known, ...taken]);
    for (const { key, file } of taken) start(key, file);
  };
  return {
    pending,
    problem,
    isReady: pending.every(({ state }) => state === 'done'),
    add,
    retry: (key) => {
      const file = pending.find((one) => one.key === key)?.file;
      change(key, { state: 'uploading', share: 0 });
      if (file) start(key, file);
    },
    remove: (key) => {
      running.current.get(key)?.abort();
      setProblem(undefined);
      setPending((known) => known.filter((one) => one.key !== key));
    },
    take: () => {
      setPending([]);
      setProblem(undefined);
      return pending.flatMap(({ attachment }) => (attachment ? [attachment] : []));
    },
  };
}
