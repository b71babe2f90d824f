// Asks before something that can't be taken back.

import { useState } from 'react';
import { useT } from '../i18n';
import { Dialog } from './Dialog';

interface Props {
  title: string;
  text?: string;
  action: string;
  /** A rejection keeps the question open and says that it failed. */
  onConfirm: () => Promise<void>;
  onClose: () => void;
}

export function Confirm({ title, text, action, onConfirm, onClose }: Props) {
  const t = useT();
  const [state, setState] = useState<'asking' | 'busy' | 'failed'>('asking');
  const confirm = () => {
    setState('busy');
    onConfirm().then(onClose, () => setState('failed'));
  };
  return (
    <Dialog title={title} onClose={onClose} testId="confirm">
      {text && <p className="muted">{text}</p>}
      {state === 'failed' && <p className="field-error" role="alert">{t.call.failed}</p>}
      <div className="dialog-actions">
        <button type="button" className="button ghost" onClick={onClose}>{t.common.cancel}</button>
        <button type="button" className="button danger" disabled={state === 'busy'} onClick={confirm} data-testid="confirm-button">{action}</button>
      </div>
    </Dialog>
  );
}
