import { useId, useState } from 'react';
import { useT } from '../i18n';
import { EyeIcon } from './icons';

interface Props {
  label: string;
  hint?: string;
  value: string;
  onChange: (value: string) => void;
  error?: string | undefined;
  autoFocus?: boolean;
}

/** The password of a room, not of an account: browsers shouldn't offer to keep it. */
export function PasswordField({ label, hint, value, onChange, error, autoFocus }: Props) {
  const t = useT();
  const id = useId();
  const [shown, setShown] = useState(false);
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="input-with-button">
        <input
          id={id}
          className="input"
          type={shown ? 'text' : 'password'}
          autoComplete="off"
          maxLength={128}
          value={value}
          autoFocus={autoFocus}
          aria-invalid={error !== undefined}
          aria-describedby={`${id}-hint`}
          data-testid="password-input"
          onInput={(event) => onChange(event.currentTarget.value)}
        />
        <button type="button" className="icon-button" aria-pressed={shown} aria-label={shown ? t.common.hidePassword : t.common.showPassword} onClick={() => setShown(!shown)}>
          <EyeIcon />
        </button>
      </div>
      <p id={`${id}-hint`} className={error ? 'field-error' : 'field-hint'}>{error ?? hint}</p>
    </div>
  );
}
