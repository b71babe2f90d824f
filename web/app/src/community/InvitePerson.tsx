// An invitation for one person: into the inbox of somebody whose id is known, or by mail.

import { useId, useState } from 'react';
import { ZzanError, type CommunityServer } from 'zzan-client';
import { useT } from '../i18n';
import { problemText } from './hooks';

export function InvitePerson({ server }: { server: CommunityServer }) {
  const t = useT();
  const words = t.community.invite.person;
  const id = useId();
  const [whom, setWhom] = useState('');
  const [state, setState] = useState<{ busy?: true; done?: string; error?: string }>({});
  const isMail = whom.includes('@');
  const invite = async () => {
    const name = whom.trim();
    setState({ busy: true });
    try {
      await (isMail ? server.ask('invite:email', { email: name }) : server.ask('invite:user', { user: name }));
      setState({ done: words.done(name) });
      setWhom('');
    } catch (cause) {
      const isConflict = ZzanError.from(cause).code === 'conflict';
      setState({ error: isConflict ? (isMail ? words.noMail : words.already) : problemText(t, cause) });
    }
  };
  return (
    <form
      className="field"
      onSubmit={(event) => {
        event.preventDefault();
        if (!state.busy && whom.trim() !== '') void invite();
      }}
    >
      <label htmlFor={id}>{words.label}</label>
      <div className="field-row">
        <input id={id} className="input" autoComplete="off" maxLength={254} value={whom} aria-describedby={`${id}-hint`} onInput={(event) => setWhom(event.currentTarget.value)} data-testid="invite-whom" />
        <button type="submit" className="button ghost" disabled={state.busy === true || whom.trim() === ''} data-testid="invite-person">{words.send}</button>
      </div>
      <p className="field-hint" id={`${id}-hint`}>{words.own(server.state.me.user.id)}</p>
      <p className="field-hint" role="status" data-testid="invite-sent">{state.done}</p>
      {state.error && <p className="field-error" role="alert" data-testid="invite-refused">{state.error}</p>}
    </form>
  );
}
