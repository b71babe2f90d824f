// What is attached to a message. Each picture has its place before it is there, so that nothing moves when it comes.

import { useState } from 'react';
import type { Attachment } from 'zzan-client';
import { useWords } from '../i18n';
import { FileIcon } from '../ui/icons';
import { isOpenable, isPicture, kindText, sizeText } from './files';

/** The longest side of a picture between messages, in pixels. */
const SIDE_MAX = 320;

/** The place of a picture whose author didn't say its size. */
const UNKNOWN = { width: 320, height: 200 };

export function Attachments({ attachments }: { attachments: readonly Attachment[] }) {
  return (
    <ul className="attachments" data-testid="attachments">
      {attachments.map((attachment, n) => <li key={n}><Shown attachment={attachment} /></li>)}
    </ul>
  );
}

function Shown({ attachment }: { attachment: Attachment }) {
  const [broken, setBroken] = useState(false);
  if (isPicture(attachment) && isOpenable(attachment.url) && !broken) return <Picture attachment={attachment} onBroken={() => setBroken(true)} />;
  return <FileLink attachment={attachment} />;
}

function Picture({ attachment: { url, name, ...size }, onBroken }: { attachment: Attachment; onBroken: () => void }) {
  const { t } = useWords();
  const { width = UNKNOWN.width, height = UNKNOWN.height } = size;
  const scale = Math.min(1, SIDE_MAX / width, SIDE_MAX / height);
  return (
    <a
      className="picture"
      href={url}
      target="_blank"
      rel="noopener noreferrer"
      title={name}
      style={{ width: `${Math.max(48, Math.round(width * scale))}px`, aspectRatio: `${width} / ${height}` }}
      data-testid="picture"
    >
      <img src={url} alt={t.messages.pictureOf(name)} loading="lazy" decoding="async" onError={onBroken} />
    </a>
  );
}

function FileLink({ attachment }: { attachment: Attachment }) {
  const { language } = useWords();
  const { url, name, size_bytes } = attachment;
  const content = (
    <>
      <FileIcon />
      <span className="file-text">
        <span className="file-name" title={name} data-testid="file-name">{name}</span>
        <span className="file-facts">{[kindText(attachment), sizeText(size_bytes, language)].filter(Boolean).join(' · ')}</span>
      </span>
    </>
  );
  if (!isOpenable(url)) return <span className="file" data-testid="file">{content}</span>;
  return <a className="file" href={url} target="_blank" rel="noopener noreferrer" download={name} data-testid="file">{content}</a>;
}
