// An open channel: its messages, and which of them were new when one came.

import { useCallback, useEffect, useRef, useState } from 'react';
import type { Channel, Community, CommunityServer } from 'zzan-client';
import { ChatLog } from '../chat/ChatLog';
import { usePeople } from '../chat/people';
import { PinsPanel } from '../chat/PinsPanel';
import { showMessage } from '../chat/target';
import { usePins } from '../chat/usePins';
import { useT } from '../i18n';
import { dropFragment, useMessageInAddress } from '../route';
import { isCovering } from '../ui/Panel';
import { useNames, useServer } from './hooks';
import { SubjectCard } from './SubjectCard';

interface Props {
  community: Community;
  server: CommunityServer;
  channel: Channel;
  pinsOpen: boolean;
  onPinsClose: () => void;
}

/** To be keyed by the channel: all that is remembered here is of one. */
export function ChannelView({ community, server, channel, pinsOpen, onPinsClose }: Props) {
  const t = useT().community.channel;
  const state = useServer(server);
  const nameOf = useNames(state);
  const people = usePeople(state);
  const [chat] = useState(() => server.chat(channel.id));
  const pins = usePins(chat);
  const readUpTo = useReadUpTo(community, server, channel.id);
  const inAddress = useMessageInAddress();
  const unreadBy = useReceipts(server, channel.id);
  const administer = server.can('manage_messages');

  useEffect(() => {
    community.opened();
    return () => community.look(undefined);
  }, [community]);
  useEffect(() => {
    if (inAddress === undefined) return;
    showMessage(channel.id, inAddress);
    dropFragment();
  }, [channel.id, inAddress]);
  const onSight = useCallback((newest: boolean) => community.look(newest ? channel.id : undefined), [community, channel.id]);

  return (
    <>
      <section className="channel-view" aria-label={channel.name} data-testid="channel-view" data-channel={channel.id}>
        {(state.info.subject !== undefined || channel.metadata) && <SubjectCard channel={channel} subject={state.info.subject} />}
        {channel.slow_mode_s !== undefined && <p className="channel-note">{t.slowOn(channel.slow_mode_s)}</p>}
        <ChatLog
          chat={chat}
          people={people}
          pins={pins}
          administer={administer}
          nameOf={nameOf}
          readUpTo={readUpTo}
          unread={state.unread.get(channel.id)?.unread ?? 0}
          unreadBy={unreadBy}
          slowMode_s={administer ? undefined : channel.slow_mode_s}
          onSight={onSight}
          onUnread={(seq) => void server.markUnread(channel.id, seq).catch(() => undefined)}
          {...(server.can('send') ? {} : { instead: <p className="channel-note">{t.readOnly}</p> })}
        />
      </section>
      {pinsOpen && <PinsPanel chat={chat} people={people} pins={pins} administer={administer} nameOf={nameOf} onOpen={() => isCovering() && onPinsClose()} onClose={onPinsClose} />}
    </>
  );
}

/** How many haven't read a message, as long as the channel is shown. */
function useReceipts(server: CommunityServer, channel: string): (seq: number) => number | undefined {
  const [unreadBy, setUnreadBy] = useState<(seq: number) => number | undefined>(() => () => undefined);
  useEffect(() => {
    const receipts = server.receipts(channel);
    const off = receipts.onChange(() => setUnreadBy(() => (seq: number) => receipts.unreadBy(seq)));
    return () => {
      off();
      receipts.close();
    };
  }, [server, channel]);
  return unreadBy;
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
