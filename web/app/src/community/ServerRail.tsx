// One's servers as a column of pictures, each with what is unread in it.

import { totals, type CommunityServer } from 'zzan-client';
import { useT } from '../i18n';
import { navigate, serverPath } from '../route';
import { initialsOf } from '../ui/Avatar';
import { PlusIcon } from '../ui/icons';
import { Logo } from '../ui/Logo';
import { Badge } from './Badge';
import { useServer } from './hooks';

interface Props {
  servers: readonly CommunityServer[];
  current: CommunityServer | undefined;
  onCreate: () => void;
}

export function ServerRail({ servers, current, onCreate }: Props) {
  const t = useT().community;
  return (
    <nav className="rail" aria-label={t.rail} data-testid="server-rail">
      <button type="button" className="rail-item" title={t.lobby} aria-label={t.lobby} onClick={() => navigate('/')}><Logo /></button>
      <ul>
        {servers.map((server) => <li key={server.id}><ServerButton server={server} current={server === current} /></li>)}
      </ul>
      <button type="button" className="rail-item add" title={t.create.title} aria-label={t.create.title} onClick={onCreate} data-testid="create-server"><PlusIcon /></button>
    </nav>
  );
}

function ServerButton({ server, current }: { server: CommunityServer; current: boolean }) {
  const state = useServer(server);
  const { name } = state.info;
  return (
    <button
      type="button"
      className="rail-item"
      title={name}
      aria-current={current ? 'page' : undefined}
      data-testid="server-button"
      data-server={server.id}
      onClick={() => navigate(serverPath(server.id))}
    >
      <ServerPicture name={name} url={state.info.image_url} />
      <span className="visually-hidden">{name}</span>
      <Badge {...totals(state)} />
    </button>
  );
}

/** A server's picture, and its initials where there is none or it doesn't load. */
export function ServerPicture({ name, url }: { name: string; url: string | undefined }) {
  return (
    <span className="server-picture" aria-hidden="true">
      {initialsOf(name)}
      {url !== undefined && <img key={url} src={url} alt="" referrerPolicy="no-referrer" onError={(event) => (event.currentTarget.hidden = true)} />}
    </span>
  );
}
