import { useEffect, useRef, useState } from 'react';
import { useT } from '../i18n';
import { draftOf, wireOf } from './mentions';
import { isSendable, MessageField, TooLong } from './MessageField';
import { useTalk, useWire } from './people';

interface Props {
  text: string;
  /** A rejection keeps the text and says that it failed. */
  onSave: (text: string) => Promise<void>;
  onClose: () => void;
}

/** Changes a message where it stands. */
export function Editor({ text: before, onSave, onClose }: Props) {
  const t = useT();
  const { labelOf } = useTalk();
  const wire = useWire();
  const [draft, setDraft] = useState(() => draftOf(before, labelOf));
  const [state, setState] = useState<'writing' | 'busy' | 'failed'>('writing');
  const field = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    const area = field.current;
    area?.focus();
    area?.setSelectionRange(area.value.length, area.value.length);
  }, []);

  const save = () => {
    if (state === 'busy' || !isSendable(draft)) return;
    if (wireOf(draft).trim() === before) return onClose();
    setState('busy');
    onSave(wire(draft)).then(onClose, () => setState('failed'));
  };

  return (
    <div className="line-editor">
      <MessageField draft={draft} onDraft={setDraft} onEnter={save} onEscape={onClose} label={t.chat.edit} testId="chat-edit-input" field={field} />
      <TooLong draft={draft} />
      {state === 'failed' && <p className="field-error" role="alert">{t.chat.saveFailed}</p>}
      <span className="line-state">
        <button type="button" className="link-button" disabled={state === 'busy' || !isSendable(draft)} onClick={save} data-testid="chat-edit-save">{t.chat.save}</button>
        <button type="button" className="link-button" onClick={onClose}>{t.common.cancel}</button>
      </span>
    </div>
  );
}
