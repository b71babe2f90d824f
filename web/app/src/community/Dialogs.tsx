// The dialog of a server that is open, if any.

import type { CommunityServer } from 'zzan-client';
import { CalendarDialog } from './CalendarDialog';
import { CategoryDialog, ChannelDialog } from './ChannelDialogs';
import type { ChannelAsk } from './ChannelList';
import { useServer } from './hooks';
import { InviteDialog } from './InviteDialog';
import { MemberDialog } from './MemberDialog';
import { RolesDialog } from './RolesDialog';
import { LeaveDialog, ServerSettingsDialog } from './ServerDialogs';

export type Asked = ChannelAsk | { what: 'settings' | 'leave' | 'roles' | 'invite' | 'calendar' | 'new-category' } | { what: 'member'; user: string };

export function Dialogs({ server, asked, onClose }: { server: CommunityServer; asked: Asked | undefined; onClose: () => void }) {
  const { members } = useServer(server);
  const shared = { server, onClose };
  switch (asked?.what) {
    case undefined:
      return null;
    case 'create':
      return <ChannelDialog {...shared} category={asked.category} />;
    case 'edit':
      return <ChannelDialog {...shared} channel={asked.channel} />;
    case 'category':
      return <CategoryDialog {...shared} category={asked.category} />;
    case 'new-category':
      return <CategoryDialog {...shared} />;
    case 'settings':
      return <ServerSettingsDialog {...shared} />;
    case 'leave':
      return <LeaveDialog {...shared} />;
    case 'roles':
      return <RolesDialog {...shared} />;
    case 'invite':
      return <InviteDialog {...shared} />;
    case 'calendar':
      return <CalendarDialog {...shared} />;
    case 'member': {
      const member = members?.find(({ user }) => user.id === asked.user);
      return member ? <MemberDialog {...shared} member={member} /> : null;
    }
  }
}
