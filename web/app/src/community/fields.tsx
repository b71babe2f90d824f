// Fields and the frame of the dialogs here. Texts are measured as the server measures them: in characters, and none is cut while it is written.

import { useId, type ReactNode } from 'react';
import { useT } from '../i18n';
import { Dialog } from '../ui/Dialog';
import { NAME_MAX } from '../ui/NameField';
import type { Action } from './hooks';

interface FormProps {
  title: string;
  submit: string;
  action: Action;
  /** Whether what is entered can be sent. */
  ready: boolean;
  onSubmit: () => void;
  onClose: () => void;
  testId: string;
  wide?: boolean;
  /** Beside the button that submits. */
  extra?: ReactNode;
  children: ReactNode;
}

export function FormDialog({ title, submit, action, ready, onSubmit, onClose, testId, wide = false, extra, children }: FormProps) {
  const t = useT();
  return (
    <Dialog title={title} onClose={onClose} testId={testId} wide={wide}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready && !action.busy) onSubmit();
        }}
      >
        {children}
        {action.error && <p className="field-error" role="alert" data-testid="action-error">{action.error}</p>}
        <div className="dialog-actions">
          {extra && <span className="dialog-extra">{extra}</span>}
          <button type="button" className="button ghost" onClick={onClose}>{t.common.cancel}</button>
          <button type="submit" className="button primary" disabled={action.busy || !ready} data-testid={`${testId}-submit`}>{submit}</button>
        </div>
      </form>
    </Dialog>
  );
}

interface TextProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** Longest text, in characters; a name's when absent. */
  max?: number;
  hint?: string;
  testId: string;
  autoFocus?: boolean;
  type?: 'text' | 'url' | 'datetime-local';
  lines?: number;
}

export function TextField({ label, value, onChange, max = NAME_MAX, hint, testId, autoFocus, type = 'text', lines }: TextProps) {
  const t = useT();
  const id = useId();
  const tooLong = !fits(value, max);
  const shared = { id, className: 'input', autoComplete: 'off', value, autoFocus, 'aria-invalid': tooLong || undefined, 'data-testid': testId };
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {lines === undefined ? (
        <input {...shared} type={type} onInput={(event) => onChange(event.currentTarget.value)} />
      ) : (
        <textarea {...shared} rows={lines} onInput={(event) => onChange(event.currentTarget.value)} />
      )}
      {hint && <p className="field-hint">{hint}</p>}
      {tooLong && <p className="field-error" role="alert">{t.community.tooLong(max)}</p>}
    </div>
  );
}

interface SelectProps<T extends string | number> {
  label: string;
  value: T;
  /** In the order to show them. */
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
  testId: string;
}

export function SelectField<T extends string | number>({ label, value, options, onChange, testId }: SelectProps<T>) {
  const id = useId();
  const chosen = options.findIndex(([option]) => option === value);
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        className="input"
        value={chosen}
        data-testid={testId}
        onChange={(event) => {
          const option = options[Number(event.currentTarget.value)];
          if (option) onChange(option[0]);
        }}
      >
        {options.map(([option, text], at) => <option key={option} value={at}>{text}</option>)}
      </select>
    </div>
  );
}

interface ChecksProps {
  legend: string;
  options: readonly { id: string; text: string; disabled?: boolean }[];
  chosen: readonly string[];
  onChange: (chosen: string[]) => void;
  testId: string;
}

/** Any number of several. */
export function CheckList({ legend, options, chosen, onChange, testId }: ChecksProps) {
  return (
    <fieldset className="field checks" data-testid={testId}>
      <legend>{legend}</legend>
      {options.map(({ id, text, disabled }) => (
        <label key={id} className="check">
          <input
            type="checkbox"
            checked={chosen.includes(id)}
            disabled={disabled}
            data-value={id}
            onChange={(event) => onChange(event.currentTarget.checked ? [...chosen, id] : chosen.filter((one) => one !== id))}
          />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}

interface CheckProps {
  text: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
  testId: string;
}

export function Check({ text, checked, onChange, testId }: CheckProps) {
  return (
    <label className="check">
      <input type="checkbox" checked={checked} data-testid={testId} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{text}</span>
    </label>
  );
}

interface ColorProps {
  label: string;
  /** What stands for no colour. */
  none: string;
  /** 0xRRGGBB. */
  value: number | undefined;
  onChange: (value: number | undefined) => void;
  testId: string;
}

/** Where a colour begins that was none before. */
const FIRST_COLOR = 0xff_b6_3d;

export function ColorField({ label, none, value, onChange, testId }: ColorProps) {
  return (
    <fieldset className="field">
      <legend>{label}</legend>
      <div className="color-choice">
        <label className="check">
          <input type="checkbox" checked={value === undefined} onChange={(event) => onChange(event.currentTarget.checked ? undefined : FIRST_COLOR)} />
          <span>{none}</span>
        </label>
        {value !== undefined && (
          <input type="color" aria-label={label} value={`#${value.toString(16).padStart(6, '0')}`} data-testid={testId} onChange={(event) => onChange(parseInt(event.currentTarget.value.slice(1), 16))} />
        )}
      </div>
    </fieldset>
  );
}

/** Whether a text is no longer than so many characters. */
export function fits(value: string, max: number): boolean {
  return [...value.trim()].length <= max;
}

/** Whether a text can be a name. */
export function isName(value: string): boolean {
  return value.trim() !== '' && fits(value, NAME_MAX);
}
