import { useLayoutEffect, useRef, useState } from 'react';
import { useT } from '../i18n';
import { SendIcon } from '../ui/icons';

/** The server's limit, in characters. */
const TEXT_MAX = 4_000;

/** Enter sends, Shift+Enter breaks the line. While Hangul is being composed Enter ends the syllable and nothing else. */
export function Composer({ onSend }: { onSend: (text: string) => void }) {
  const t = useT();
  const [text, setText] = useState('');
  const ref = useRef<HTMLTextAreaElement>(null);
  const length = [...text].length;
  const ready = text.trim() !== '' && length <= TEXT_MAX;

  useLayoutEffect(() => {
    const area = ref.current;
    if (!area) return;
    area.style.height = 'auto';
    area.style.height = `${area.scrollHeight}px`;
  }, [text]);

  const send = () => {
    if (!ready) return;
    onSend(text.trim());
    setText('');
    ref.current?.focus();
  };

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {length > TEXT_MAX && <p className="field-error" role="alert">{t.chat.tooLong(TEXT_MAX)}</p>}
      <div className="composer-row">
        <textarea
          ref={ref}
          rows={1}
          className="input"
          value={text}
          aria-label={t.chat.input}
          placeholder={t.chat.placeholder}
          enterKeyHint="send"
          data-testid="chat-input"
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            // 229: Safari ends the composition before the key event that ended it.
            const composing = event.nativeEvent.isComposing || event.keyCode === 229;
            if (event.key !== 'Enter' || event.shiftKey || composing) return;
            event.preventDefault();
            send();
          }}
        />
        <button type="submit" className="icon-button primary" aria-label={t.chat.send} disabled={!ready} data-testid="chat-send"><SendIcon /></button>
      </div>
    </form>
  );
}
