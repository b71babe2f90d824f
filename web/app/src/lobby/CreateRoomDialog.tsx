import { useId, useState } from 'react';
import { createRoom, type Client } from 'zzan-client';
import { useT } from '../i18n';
import { problemOfError } from '../problem';
import { rememberPassword } from '../room/passwords';
import { navigate, roomPath } from '../route';
import { Dialog } from '../ui/Dialog';
import { NAME_MAX } from '../ui/NameField';
import { PasswordField } from '../ui/PasswordField';

const SIZES = [2, 3, 4] as const;

export function CreateRoomDialog({ client, name, onClose }: { client: Client; name: string; onClose: () => void }) {
  const t = useT();
  const id = useId();
  const [title, setTitle] = useState(() => [...t.create.suggestion(name)].slice(0, NAME_MAX).join(''));
  const [capacity, setCapacity] = useState<number>(4);
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();

  const submit = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const room = await createRoom(client, { name: title.trim(), capacity, ...(password ? { password } : {}) });
      if (password) rememberPassword(room.id, password);
      navigate(roomPath(room.id));
    } catch (cause) {
      const problem = problemOfError(cause);
      setError(problem.detail ?? t.problem[problem.kind].title);
      setBusy(false);
    }
  };

  return (
    <Dialog title={t.create.title} onClose={onClose} testId="create-dialog">
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div className="field">
          <label htmlFor={id}>{t.create.name}</label>
          <input
            id={id}
            className="input"
            autoComplete="off"
            autoFocus
            maxLength={NAME_MAX}
            value={title}
            placeholder={t.create.namePlaceholder}
            data-testid="room-name-input"
            onFocus={(event) => event.target.select()}
            onInput={(event) => setTitle(event.currentTarget.value)}
          />
        </div>
        <fieldset className="field">
          <legend>{t.create.size}</legend>
          <div className="size-choice">
            {SIZES.map((size) => (
              <label key={size} className="size-option">
                <input type="radio" name="capacity" value={size} checked={size === capacity} data-testid={`capacity-${size}`} onChange={() => setCapacity(size)} />
                <span className="size-face">
                  <span className="seats" aria-hidden="true">{Array.from({ length: size }, (_, at) => <span key={at} className="seat taken" />)}</span>
                  {t.create.people(size)}
                </span>
              </label>
            ))}
          </div>
        </fieldset>
        <PasswordField label={t.create.password} hint={t.create.passwordHint} value={password} onChange={setPassword} />
        {error && <p className="field-error" role="alert" data-testid="create-error">{t.create.failed} {error}</p>}
        <div className="dialog-actions">
          <button type="button" className="button ghost" onClick={onClose}>{t.common.cancel}</button>
          <button type="submit" className="button primary" disabled={busy || title.trim() === ''} data-testid="create-submit">{t.create.submit}</button>
        </div>
      </form>
    </Dialog>
  );
}
