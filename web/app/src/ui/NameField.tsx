import { useId } from 'react';
import { useT } from '../i18n';

/** The server's limit. */
export const NAME_MAX = 64;

interface Props {
  value: string;
  onChange: (value: string) => void;
  autoFocus?: boolean;
}

export function NameField({ value, onChange, autoFocus }: Props) {
  const t = useT();
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{t.common.name}</label>
      <input
        id={id}
        className="input"
        autoComplete="nickname"
        maxLength={NAME_MAX}
        value={value}
        autoFocus={autoFocus}
        placeholder={t.common.namePlaceholder}
        data-testid="name-input"
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </div>
  );
}
