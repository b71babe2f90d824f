// An invitation: what it leads to, before one goes there.

import { useEffect, useState } from 'react';
import { ZzanError, type Community, type InvitePreview } from 'zzan-client';
import type { VisitorProps } from '../App';
import { useClientState } from '../hooks/useSource';
import { useT } from '../i18n';
import { NameGate } from '../lobby/NameGate';
import { Refused } from '../lobby/Refused';
import { navigate, serverPath } from '../route';
import { Header } from '../ui/Header';
import { Loading } from '../ui/Loading';
import { Logo } from '../ui/Logo';
import { problemText, useAction, useCommunity } from './hooks';
import { ServerPicture } from './ServerRail';

export function InviteScreen({ client, name, visitor, secret }: VisitorProps & { secret: string }) {
  const state = useClientState(client);
  if (state === 'closed') return <Refused visitor={visitor} />;
  if (name === undefined) return <NameGate visitor={visitor} />;
  return <Invitation client={client} secret={secret} />;
}

function Invitation({ client, secret }: Pick<VisitorProps, 'client'> & { secret: string }) {
  const { community } = useCommunity(client);
  const [preview, setPreview] = useState<InvitePreview>();
  const [problem, setProblem] = useState<unknown>();
  useEffect(() => {
    let current = true;
    community.preview(secret).then((found) => current && setPreview(found), (cause: unknown) => current && setProblem(cause));
    return () => void (current = false);
  }, [community, secret]);
  return (
    <div className="page">
      <Header />
      <main className="gate">
        <div className="gate-card" data-testid="invitation">
          {problem !== undefined ? <Dead cause={problem} /> : preview ? <Offer community={community} preview={preview} secret={secret} onProblem={setProblem} /> : <Loading />}
        </div>
      </main>
    </div>
  );
}

function Offer({ community, preview, secret, onProblem }: { community: Community; preview: InvitePreview; secret: string; onProblem: (cause: unknown) => void }) {
  const t = useT().community;
  const action = useAction();
  const { server, members, invited_by } = preview;
  const accept = () =>
    action.run(async () => {
      try {
        const joined = await community.accept(secret);
        navigate(serverPath(joined.id), { replace: true });
      } catch (cause) {
        if (['not_found', 'forbidden'].includes(ZzanError.from(cause).code)) return onProblem(cause);
        throw cause;
      }
    });
  return (
    <>
      <ServerPicture name={server.name} url={server.image_url} />
      <h1 data-testid="invitation-name">{t.invite.heading(server.name)}</h1>
      {invited_by !== undefined && <p className="muted">{t.invite.from(invited_by)}</p>}
      <p className="muted small">{t.members.count(members)}</p>
      {action.error && <p className="field-error" role="alert">{action.error}</p>}
      <button type="button" className="button primary block" disabled={action.busy} onClick={accept} data-testid="accept-invite">{t.invite.accept}</button>
    </>
  );
}

function Dead({ cause }: { cause: unknown }) {
  const t = useT();
  const words = t.community.invite;
  const { code } = ZzanError.from(cause);
  const [title, text] = code === 'not_found' ? [words.dead, words.deadText] : code === 'forbidden' ? [words.banned, words.bannedText] : [problemText(t, cause), undefined];
  return (
    <div role="alert" data-testid="invitation-dead">
      <Logo />
      <h1>{title}</h1>
      {text && <p className="muted">{text}</p>}
      <button type="button" className="button primary" onClick={() => navigate('/s')}>{t.community.open}</button>
    </div>
  );
}
