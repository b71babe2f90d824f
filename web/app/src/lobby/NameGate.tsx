// Asks for the name that others see: once on the first visit, and again when the person wants another.

import { useState } from 'react';
import { useT } from '../i18n';
import { problemOfError } from '../problem';
import { Dialog } from '../ui/Dialog';
import { Header } from '../ui/Header';
import { Logo } from '../ui/Logo';
import { NameField } from '../ui/NameField';
import type { Visitor } from '../visitor';

export function NameGate({ visitor }: { visitor: Visitor }) {
  const t = useT();
  return (
    <div className="page">
      <Header />
      <main className="gate" data-testid="name-gate">
        <div className="gate-card">
          <Logo />
          <h1>{t.welcome.title}</h1>
          <p className="muted">{t.welcome.text}</p>
          <NameForm visitor={visitor} name="" submit={t.welcome.start} onDone={() => undefined} />
        </div>
      </main>
    </div>
  );
}

export function RenameDialog({ visitor, name, onClose }: { visitor: Visitor; name: string; onClose: () => void }) {
  const t = useT();
  return (
    <Dialog title={t.lobby.rename} onClose={onClose} testId="rename-dialog">
      <NameForm visitor={visitor} name={name} submit={t.lobby.rename} onDone={onClose} />
    </Dialog>
  );
}

function NameForm({ visitor, name, submit, onDone }: { visitor: Visitor; name: string; submit: string; onDone: () => void }) {
  const t = useT();
  const [value, setValue] = useState(name);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        setBusy(true);
        visitor.rename(value.trim()).then(onDone, (cause: unknown) => {
          const problem = problemOfError(cause);
          setError(problem.detail ?? t.problem[problem.kind].title);
          setBusy(false);
        });
      }}
    >
      <NameField value={value} onChange={setValue} autoFocus />
      {error && <p className="field-error" role="alert">{error}</p>}
      <button type="submit" className="button primary block" disabled={busy || value.trim() === ''} data-testid="name-submit">{submit}</button>
    </form>
  );
}
