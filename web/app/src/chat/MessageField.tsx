// The field that a message is written in: as high as its text, and Enter is for it alone, or for the list of names that is open.

import { useId, useLayoutEffect, useRef, useState, type KeyboardEvent, type RefObject } from 'react';
import { useT } from '../i18n';
import { edited, wireOf, type Draft } from './mentions';
import { MentionPopup, optionId } from './MentionPopup';
import { useMentionList } from './useMentionList';

/** The server's limit, in characters. */
const TEXT_MAX = 4_000;

interface Props {
  draft: Draft;
  onDraft: (draft: Draft) => void;
  onEnter: () => void;
  onEscape?: (() => void) | undefined;
  onFiles?: ((files: readonly File[]) => void) | undefined;
  label: string;
  placeholder?: string;
  testId: string;
  field?: RefObject<HTMLTextAreaElement | null>;
}

/** Enter sends, Shift+Enter breaks the line. While Hangul is being composed Enter ends the syllable and nothing else. */
export function MessageField({ draft, onDraft, onEnter, onEscape, onFiles, label, placeholder, testId, field }: Props) {
  const own = useRef<HTMLTextAreaElement>(null);
  const ref = field ?? own;
  const id = useId();
  const [caret, setCaret] = useState<number>();
  const moveTo = useRef<number>(undefined);
  const list = useMentionList({
    draft,
    caret,
    onPick: (picked) => {
      moveTo.current = picked.caret;
      onDraft(picked.draft);
    },
  });
  const open = list.candidates.length > 0;

  useLayoutEffect(() => {
    const area = ref.current;
    if (!area) return;
    area.style.height = 'auto';
    area.style.height = `${area.scrollHeight}px`;
    if (moveTo.current === undefined) return;
    area.setSelectionRange(moveTo.current, moveTo.current);
    setCaret(moveTo.current);
    moveTo.current = undefined;
  }, [ref, draft]);

  const onKeyDown = (event: KeyboardEvent) => {
    // 229: Safari ends the composition before the key event that ended it.
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (list.take(event)) return;
    if (event.key === 'Escape' && onEscape) {
      // The panel closes by Escape too.
      event.stopPropagation();
      onEscape();
    }
    if (event.key !== 'Enter' || event.shiftKey) return;
    event.preventDefault();
    onEnter();
  };
  const look = (area: HTMLTextAreaElement) => setCaret(area.selectionStart === area.selectionEnd ? area.selectionStart : undefined);

  return (
    <>
      <textarea
        ref={ref}
        rows={1}
        className="input"
        value={draft.text}
        aria-label={label}
        placeholder={placeholder}
        enterKeyHint="send"
        autoComplete="off"
        data-testid={testId}
        {...(open ? { 'aria-autocomplete': 'list', 'aria-haspopup': 'listbox', 'aria-controls': id, 'aria-activedescendant': optionId(id, list.active) } : {})}
        onInput={(event) => {
          look(event.currentTarget);
          onDraft(edited(draft, event.currentTarget.value, event.currentTarget.selectionEnd));
        }}
        onSelect={(event) => look(event.currentTarget)}
        onBlur={() => setCaret(undefined)}
        onKeyDown={onKeyDown}
        onPaste={(event) => {
          const files = [...event.clipboardData.files];
          if (!onFiles || files.length === 0) return;
          event.preventDefault();
          onFiles(files);
        }}
      />
      {open && <MentionPopup id={id} list={list} field={ref} />}
    </>
  );
}

/** Whether a text can be sent. */
export function isSendable(draft: Draft): boolean {
  return draft.text.trim() !== '' && !isTooLong(draft);
}

/** Says so when a text is too long. */
export function TooLong({ draft }: { draft: Draft }) {
  const t = useT();
  return isTooLong(draft) ? <p className="field-error" role="alert">{t.chat.tooLong(TEXT_MAX)}</p> : null;
}

/** Counted as it is sent, where a name is an id. */
export function isTooLong(draft: Draft): boolean {
  return [...wireOf(draft).trim()].length > TEXT_MAX;
}
