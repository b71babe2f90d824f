// The field for a line that is written by hand.

import { useState, type KeyboardEvent } from 'react';
import { useT } from '../i18n';
import { SendIcon } from '../ui/icons';

/** The server's limit, in characters. */
const LINE_MAX = 4_000;

export function LineField({ onAdd }: { onAdd: (text: string) => void }) {
  const words = useT();
  const t = words.notes;
  const [text, setText] = useState('');
  const isTooLong = [...text].length > LINE_MAX;
  const isFine = text.trim() !== '' && !isTooLong;
  const add = () => {
    if (!isFine) return;
    onAdd(text.trim());
    setText('');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // While Hangul is being composed Enter ends the syllable and nothing else. 229: Safari ends the composition before the key event that ended it.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    add();
  };
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        add();
      }}
    >
      {isTooLong && <p className="field-error" role="alert">{words.chat.tooLong(LINE_MAX)}</p>}
      <div className="composer-row">
        <textarea
          rows={1}
          className="input note-input"
          value={text}
          aria-label={t.line}
          placeholder={t.placeholder}
          enterKeyHint="send"
          data-testid="note-input"
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        <button type="submit" className="icon-button primary" aria-label={t.add} disabled={!isFine} data-testid="note-add"><SendIcon /></button>
      </div>
    </form>
  );
}
