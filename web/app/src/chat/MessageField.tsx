// The field that a message is written in: as high as its text, and Enter is for it alone.

import { useLayoutEffect, useRef, type KeyboardEvent, type RefObject } from 'react';
import { useT } from '../i18n';

/** The server's limit, in characters. */
const TEXT_MAX = 4_000;

interface Props {
  text: string;
  onText: (text: string) => void;
  onEnter: () => void;
  onEscape?: (() => void) | undefined;
  label: string;
  placeholder?: string;
  testId: string;
  field?: RefObject<HTMLTextAreaElement | null>;
}

/** Enter sends, Shift+Enter breaks the line. While Hangul is being composed Enter ends the syllable and nothing else. */
export function MessageField({ text, onText, onEnter, onEscape, label, placeholder, testId, field }: Props) {
  const own = useRef<HTMLTextAreaElement>(null);
  const ref = field ?? own;

  useLayoutEffect(() => {
    const area = ref.current;
    if (!area) return;
    area.style.height = 'auto';
    area.style.height = `${area.scrollHeight}px`;
  }, [ref, text]);

  const onKeyDown = (event: KeyboardEvent) => {
    // 229: Safari ends the composition before the key event that ended it.
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (event.key === 'Escape' && onEscape) {
      // The panel closes by Escape too.
      event.stopPropagation();
      onEscape();
    }
    if (event.key !== 'Enter' || event.shiftKey) return;
    event.preventDefault();
    onEnter();
  };

  return (
    <textarea
      ref={ref}
      rows={1}
      className="input"
      value={text}
      aria-label={label}
      placeholder={placeholder}
      enterKeyHint="send"
      data-testid={testId}
      onInput={(event) => onText(event.currentTarget.value)}
      onKeyDown={onKeyDown}
    />
  );
}

/** Whether a text can be sent. */
export function isSendable(text: string): boolean {
  return text.trim() !== '' && !isTooLong(text);
}

/** Says so when a text is too long. */
export function TooLong({ text }: { text: string }) {
  const t = useT();
  return isTooLong(text) ? <p className="field-error" role="alert">{t.chat.tooLong(TEXT_MAX)}</p> : null;
}

function isTooLong(text: string): boolean {
  return [...text].length > TEXT_MAX;
}
