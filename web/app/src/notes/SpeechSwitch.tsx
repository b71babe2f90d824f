// Whether one's browser writes down what one says, and why it doesn't.

import { useT } from '../i18n';
import type { Dictionary } from '../i18n/en';
import type { Speech } from './useNoteTaking';

export function SpeechSwitch({ speech, running }: { speech: Speech; running: boolean }) {
  const t = useT().notes.speech;
  const isMissing = speech.state === 'missing';
  return (
    <div className="notes-speech">
      {!isMissing && (
        <label className="check">
          <input type="checkbox" role="switch" checked={speech.wanted} data-testid="note-speech" onChange={(event) => speech.want(event.currentTarget.checked)} />
          <span>{t.switch}</span>
        </label>
      )}
      <p className={isFailure(speech.state) ? 'field-error small' : 'muted small'} role="status" data-testid="note-speech-state" data-state={speech.state}>
        {running || isMissing ? textOf(speech.state, t) : t.hint}
      </p>
    </div>
  );
}

function isFailure(state: Speech['state']): boolean {
  return state === 'denied' || state === 'language' || state === 'unreachable';
}

function textOf(state: Speech['state'], t: Dictionary['notes']['speech']): string {
  switch (state) {
    case 'off':
      return t.hint;
    case 'silent':
      return t.muted;
    case 'missing':
    case 'muted':
    case 'listening':
    case 'denied':
    case 'language':
    case 'unreachable':
      return t[state];
  }
}
