// What was said, under the speakers' names. Text is shown as text, whatever is in it.

import type { Author, NoteLine } from 'zzan-client';
import { useWords } from '../i18n';

/** Lines of one speaker within this time stand under one name. */
const GROUP_MS = 2 * 60_000;

export function NoteLines({ lines, nameOf }: { lines: readonly NoteLine[]; nameOf: (author: Author) => string }) {
  const { language } = useWords();
  const time = (at: string) => new Intl.DateTimeFormat(language, { timeStyle: 'short' }).format(new Date(at));
  return (
    <ol className="note-lines">
      {lines.map((line, n) => {
        const before = lines[n - 1];
        const isGrouped = before?.speaker.id === line.speaker.id && Date.parse(line.at) - Date.parse(before.at) < GROUP_MS;
        return (
          <li key={line.seq} className={isGrouped ? 'note-line grouped' : 'note-line'} data-testid="note-line" data-seq={line.seq}>
            {!isGrouped && (
              <span className="line-head">
                <span className="line-author" data-testid="note-speaker">{nameOf(line.speaker)}</span>
                <time className="line-time" dateTime={line.at}>{time(line.at)}</time>
              </span>
            )}
            <span className="note-text" data-testid="note-text">{line.text}</span>
          </li>
        );
      })}
    </ol>
  );
}
