import type { CommunityServer } from 'zzan-client';
import { useT } from '../i18n';
import { CalendarIcon, LeaveIcon, LinkIcon, ListIcon, MoreIcon, PlusIcon, SettingsIcon, ShieldIcon } from '../ui/icons';
import { Menu, MenuItem } from '../ui/Menu';
import type { Asked } from './Dialogs';
import { useServer } from './hooks';

/** A server's name, and what one can do with it. */
export function ServerHead({ server, onAsk }: { server: CommunityServer; onAsk: (asked: Asked) => void }) {
  const t = useT().community;
  const { info, me } = useServer(server);
  const manages = server.can('manage_server') || server.can('ban') || info.owner === me.user.id;
  return (
    <header className="server-head">
      <h2 title={info.name} data-testid="server-name">{info.name}</h2>
      {server.can('invite') && <button type="button" className="icon-button" aria-label={t.invite.open} title={t.invite.open} onClick={() => onAsk({ what: 'invite' })} data-testid="open-invite"><LinkIcon /></button>}
      <button type="button" className="icon-button" aria-label={t.calendar.open} title={t.calendar.open} onClick={() => onAsk({ what: 'calendar' })} data-testid="open-calendar"><CalendarIcon /></button>
      <Menu label={t.menu} icon={<MoreIcon />} testId="server-menu">
        {server.can('manage_channels') && <MenuItem icon={<PlusIcon />} onClick={() => onAsk({ what: 'create', category: undefined })} testId="menu-create-channel">{t.channel.create}</MenuItem>}
        {server.can('manage_channels') && <MenuItem icon={<ListIcon />} onClick={() => onAsk({ what: 'new-category' })} testId="menu-create-category">{t.category.create}</MenuItem>}
        {server.can('manage_roles') && <MenuItem icon={<ShieldIcon />} onClick={() => onAsk({ what: 'roles' })} testId="menu-roles">{t.roles.open}</MenuItem>}
        {manages && <MenuItem icon={<SettingsIcon />} onClick={() => onAsk({ what: 'settings' })} testId="menu-settings">{t.settings.open}</MenuItem>}
        <MenuItem icon={<LeaveIcon />} danger onClick={() => onAsk({ what: 'leave' })} testId="menu-leave">{t.settings.leave}</MenuItem>
      </Menu>
    </header>
  );
}
