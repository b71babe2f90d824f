import type { ReactNode } from 'react';
import { canShareScreen, type LocalMedia, type LocalState } from 'zzan-client';
import { useT } from '../i18n';
import { CameraIcon, CameraOffIcon, ChatIcon, LeaveIcon, MicIcon, MicOffIcon, NoteIcon, ScreenIcon, SettingsIcon } from '../ui/icons';

interface Props {
  local: LocalMedia;
  media: LocalState;
  /** What the host has switched off. */
  moderated: { microphone: boolean; camera: boolean };
  unread: number;
  chatOpen: boolean;
  onChat: () => void;
  notesOpen: boolean;
  onNotes: () => void;
  onDevices: () => void;
  onLeave: () => void;
}

/** The buttons under the call. */
export function Controls({ local, media, moderated, unread, chatOpen, onChat, notesOpen, onNotes, onDevices, onLeave }: Props) {
  const t = useT();
  const mic = media.microphone.on;
  const cam = media.camera.on;
  const sharing = media.screen.track !== null;
  return (
    <section className="controls" aria-label={t.call.controls}>
      <Control label={moderated.microphone ? t.call.micModerated : mic ? t.call.muteMic : t.call.unmuteMic} caption={t.call.mic} off={!mic || moderated.microphone} onClick={() => void local.setMicrophone(!mic)} testId="mic-button">
        {mic && !moderated.microphone ? <MicIcon /> : <MicOffIcon />}
      </Control>
      <Control label={moderated.camera ? t.call.camModerated : cam ? t.call.stopCam : t.call.startCam} caption={t.call.cam} off={!cam || moderated.camera} onClick={() => void local.setCamera(!cam)} testId="cam-button">
        {cam && !moderated.camera ? <CameraIcon /> : <CameraOffIcon />}
      </Control>
      {canShareScreen() && (
        <Control label={sharing ? t.call.stopScreen : t.call.shareScreen} caption={t.call.screen} active={sharing} onClick={() => (sharing ? local.stopScreen() : void local.shareScreen())} testId="screen-button">
          <ScreenIcon />
        </Control>
      )}
      <Control label={t.call.settings} caption={t.call.settings} onClick={onDevices} testId="devices-button"><SettingsIcon /></Control>
      <Control label={chatOpen ? t.call.closeChat : t.call.openChat} caption={t.call.chat} active={chatOpen} onClick={onChat} testId="chat-button">
        <ChatIcon />
        {unread > 0 && <span className="badge" aria-label={t.call.unread(unread)}>{unread > 99 ? '99+' : unread}</span>}
      </Control>
      <Control label={notesOpen ? t.notes.close : t.notes.open} caption={t.notes.short} active={notesOpen} onClick={onNotes} testId="notes-button"><NoteIcon /></Control>
      <Control label={t.call.leave} caption={t.call.leave} danger onClick={onLeave} testId="leave-button"><LeaveIcon /></Control>
    </section>
  );
}

interface ControlProps {
  label: string;
  caption: string;
  off?: boolean;
  active?: boolean;
  danger?: boolean;
  onClick: () => void;
  testId: string;
  children: ReactNode;
}

function Control({ label, caption, off, active, danger, onClick, testId, children }: ControlProps) {
  const kind = danger ? ' danger' : off ? ' off' : active ? ' active' : '';
  return (
    <button type="button" className={`control${kind}`} aria-label={label} title={label} data-testid={testId} data-off={off} onClick={onClick}>
      <span className="control-face">{children}</span>
      <span className="control-caption" aria-hidden="true">{caption}</span>
    </button>
  );
}
