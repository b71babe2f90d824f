import { useEffect, useRef, useState } from 'react';
import { useT } from '../i18n';
import { isSendable, MessageField, TooLong } from './MessageField';

interface Props {
  text: string;
  /** A rejection keeps the text and says that it failed. */
  onSave: (text: string) => Promise<void>;
  onClose: () => void;
}

/** Changes a message where it stands. */
export function Editor({ text: before, onSave, onClose }: Props) {
  const t = useT();
  const [text, setText] = useState(before);
  const [state, setState] = useState<'writing' | 'busy' | 'failed'>('writing');
  const field = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(before.length, before.length);
  }, [before]);

  const save = () => {
    if (state === 'busy' || !isSendable(text)) return;
    if (text.trim() === before) return onClose();
    setState('busy');
    onSave(text.trim()).then(onClose, () => setState('failed'));
  };

  return (
    <div className="line-editor">
      <MessageField text={text} onText={setText} onEnter={save} onEscape={onClose} label={t.chat.edit} testId="chat-edit-input" field={field} />
      <TooLong text={text} />
      {state === 'failed' && <p className="field-error" role="alert">{t.chat.saveFailed}</p>}
      <span className="line-state">
        <button type="button" className="link-button" disabled={state === 'busy' || !isSendable(text)} onClick={save} data-testid="chat-edit-save">{t.chat.save}</button>
        <button type="button" className="link-button" onClick={onClose}>{t.common.cancel}</button>
      </span>
    </div>
  );
}
