// Tells everyone in the call, for as long as it lasts, that what is said is written down.

import { useT } from '../i18n';
import { NoteIcon } from '../ui/icons';
import type { NoteTaking } from './useNoteTaking';

export function NoteNotice({ taking, onOpen }: { taking: NoteTaking; onOpen: () => void }) {
  const t = useT().notes;
  const { state, speech } = taking;
  if (!state.running) return null;
  return (
    <div className="banner call-banner note-notice" role="status" data-testid="note-notice">
      <NoteIcon />
      <span className="note-notice-name">{t.running(state.running.name)}</span>
      {speech.state === 'off' && <button type="button" className="button ghost small" onClick={() => speech.want(true)} data-testid="note-listen">{t.speech.switch}</button>}
      <button type="button" className="button ghost small" onClick={onOpen} data-testid="note-open">{t.open}</button>
    </div>
  );
}
