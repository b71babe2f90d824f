// An open channel: its messages, and which of them were new when one came.

import { useCallback, useEffect, useRef, useState } from 'react';
import type { Channel, Community, CommunityServer } from 'zzan-client';
import { ChatLog } from '../chat/ChatLog';
import { useT } from '../i18n';
import { useNames, useServer } from './hooks';

interface Props {
  community: Community;
  server: CommunityServer;
  channel: Channel;
}

/** To be keyed by the channel: all that is remembered here is of one. */
export function ChannelView({ community, server, channel }: Props) {
  const t = useT().community.channel;
  const state = useServer(server);
  const nameOf = useNames(state);
  const [chat] = useState(() => server.chat(channel.id));
  const readUpTo = useReadUpTo(community, server, channel.id);

  useEffect(() => {
    community.opened();
    return () => community.look(undefined);
  }, [community]);
  const onSight = useCallback((newest: boolean) => community.look(newest ? channel.id : undefined), [community, channel.id]);

  return (
    <section className="channel-view" aria-label={channel.name} data-testid="channel-view" data-channel={channel.id}>
      {channel.slow_mode_s !== undefined && <p className="channel-note">{t.slowOn(channel.slow_mode_s)}</p>}
      <ChatLog
        chat={chat}
        me={state.me.user.id}
        administer={server.can('manage_messages')}
        nameOf={nameOf}
        readUpTo={readUpTo}
        onSight={onSight}
        onUnread={(seq) => void server.markUnread(channel.id, seq).catch(() => undefined)}
        {...(server.can('send') ? {} : { instead: <p className="channel-note">{t.readOnly}</p> })}
      />
    </section>
  );
}

/** The number after which all was new: when one came, or when something came that nobody looked at. */
function useReadUpTo(community: Community, server: CommunityServer, channel: string): number | undefined {
  const { unread = 0, read_seq = 0 } = useServer(server).unread.get(channel) ?? {};
  const [readUpTo, setReadUpTo] = useState(unread > 0 ? read_seq : undefined);
  const before = useRef(unread);
  useEffect(() => {
    if (before.current === 0 && unread > 0 && !community.isLookedAt(channel)) setReadUpTo(read_seq);
    before.current = unread;
  }, [unread, read_seq, community, channel]);
  return readUpTo;
}
