// The call: everyone's tiles, one's own switches, and the chat beside. Composes; each part keeps its own state.

import { useEffect, useState } from 'react';
import { trackOf, type LocalMedia, type Room } from 'zzan-client';
import { ChatPanel } from '../chat/ChatPanel';
import { useUnread } from '../chat/useUnread';
import { useLasting, useLocalState, useRoomView } from '../hooks/useSource';
import { useT } from '../i18n';
import { Confirm } from '../ui/Confirm';
import { CallHeader } from './CallHeader';
import { Controls } from './Controls';
import { DeviceDialog } from './DeviceDialog';
import { ElementsContext, useHeardElements } from './heard';
import { ModerationNotice } from './ModerationNotice';
import { SharingNotice } from './SharingNotice';
import { Stage } from './Stage';
import { StatsDialog } from './StatsDialog';
import { Toasts, useToasts } from './Toasts';

/** Below this the chat covers the call, so that it starts closed. */
const WIDE = '(min-width: 960px)';

/** Shorter losses mend themselves before anyone reads of them. */
const RECONNECTING_AFTER_MS = 400;

type Asked = { what: 'close' } | { what: 'kick'; participant: string; name: string };

export function CallScreen({ room, local, onLeave }: { room: Room; local: LocalMedia; onLeave: () => void }) {
  const t = useT();
  const { state, status, isOwner, canAdminister } = useRoomView(room);
  const media = useLocalState(local);
  const [chatOpen, setChatOpen] = useState(() => window.matchMedia(WIDE).matches);
  const [devicesOpen, setDevicesOpen] = useState(false);
  const [statsOpen, setStatsOpen] = useState(false);
  const [asked, setAsked] = useState<Asked>();
  const unread = useUnread(room.chat, chatOpen);
  const reconnecting = useLasting(status === 'reconnecting', RECONNECTING_AFTER_MS);
  const heard = useHeardElements();
  const toasts = useToasts(state, media);
  const isModerated = (source: 'microphone' | 'camera') => trackOf(state, state.me.id, source)?.muted_by_moderator === true;
  const moderated = { microphone: isModerated('microphone'), camera: isModerated('camera') };

  useEffect(() => {
    document.documentElement.classList.add('in-call');
    return () => document.documentElement.classList.remove('in-call');
  }, []);

  return (
    <ElementsContext value={heard}>
      <div className={chatOpen ? 'call chat-open' : 'call'} data-testid="call" data-status={status}>
        <CallHeader room={state.room} here={state.participants.length} canClose={isOwner || canAdminister} onClose={() => setAsked({ what: 'close' })} />
        <div className="call-notices">
          {reconnecting && <div className="banner warning call-banner" role="status" data-testid="reconnecting-banner"><span className="spinner" aria-hidden="true" />{t.call.selfReconnecting}</div>}
          {heard.blocked && (
            <button type="button" className="hear" onClick={heard.unblock} data-testid="hear-button">
              <strong>{t.call.hear}</strong>
              <span>{t.call.hearText}</span>
            </button>
          )}
          {!reconnecting && <ModerationNotice {...moderated} />}
          {media.screen.track && <SharingNotice local={local} />}
        </div>
        <Stage
          room={room}
          media={media}
          state={state}
          onKick={canAdminister ? (participant, name) => setAsked({ what: 'kick', participant, name }) : undefined}
          onStats={() => setStatsOpen(true)}
        />
        <Controls
          local={local}
          media={media}
          moderated={moderated}
          unread={unread}
          chatOpen={chatOpen}
          onChat={() => setChatOpen(!chatOpen)}
          onDevices={() => setDevicesOpen(true)}
          onLeave={onLeave}
        />
        {chatOpen && <ChatPanel chat={room.chat} me={state.me.user} participants={state.participants} administer={canAdminister} onClose={() => setChatOpen(false)} />}
        <Toasts toasts={toasts} />
        {statsOpen && <StatsDialog room={room} state={state} onClose={() => setStatsOpen(false)} />}
        {devicesOpen && <DeviceDialog local={local} onClose={() => setDevicesOpen(false)} />}
        {asked?.what === 'close' && (
          <Confirm title={t.call.closeConfirm} text={t.call.closeText} action={t.call.closeRoom} onConfirm={() => room.close()} onClose={() => setAsked(undefined)} />
        )}
        {asked?.what === 'kick' && (
          <Confirm title={t.call.kickConfirm(asked.name)} action={t.call.kick} onConfirm={() => room.kick(asked.participant)} onClose={() => setAsked(undefined)} />
        )}
      </div>
    </ElementsContext>
  );
}
