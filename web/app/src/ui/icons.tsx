// The page's icons: 24×24, drawn in the text's colour. Each is decoration; the control around it has the name.

import type { ReactNode } from 'react';

function Icon({ children }: { children: ReactNode }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.9" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

const MIC = (
  <>
    <rect x="9" y="3" width="6" height="11" rx="3" />
    <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3" />
  </>
);
const CAMERA = (
  <>
    <rect x="3" y="6" width="12.5" height="12" rx="3" />
    <path d="m15.5 11 5.5-3v8l-5.5-3" />
  </>
);
const SPEAKER = <path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z" />;
const SLASH = <path d="M4 3.5 20 20.5" />;

export const MicIcon = () => <Icon>{MIC}</Icon>;
export const MicOffIcon = () => <Icon>{MIC}{SLASH}</Icon>;
export const CameraIcon = () => <Icon>{CAMERA}</Icon>;
export const CameraOffIcon = () => <Icon>{CAMERA}{SLASH}</Icon>;
export const SpeakerIcon = () => <Icon>{SPEAKER}<path d="M15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11" /></Icon>;
export const SpeakerOffIcon = () => <Icon>{SPEAKER}<path d="m16 9.5 5 5m0-5-5 5" /></Icon>;
export const ChatIcon = () => <Icon><path d="M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H11l-4.5 4v-4A2.5 2.5 0 0 1 4 13.5z" /></Icon>;
export const SettingsIcon = () => <Icon><path d="M4 7h9M18 7h2M4 17h2M11 17h9" /><circle cx="15.5" cy="7" r="2.3" /><circle cx="8.5" cy="17" r="2.3" /></Icon>;
export const LinkIcon = () => <Icon><path d="M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1" /></Icon>;
export const LeaveIcon = () => <Icon><path d="M14 4H7a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h7M10.5 12H21m0 0-3.5-3.5M21 12l-3.5 3.5" /></Icon>;
export const LockIcon = () => <Icon><rect x="5" y="11" width="14" height="9" rx="2.5" /><path d="M8 11V8a4 4 0 0 1 8 0v3" /></Icon>;
export const PlusIcon = () => <Icon><path d="M12 5v14M5 12h14" /></Icon>;
export const CloseIcon = () => <Icon><path d="m6 6 12 12M18 6 6 18" /></Icon>;
export const SendIcon = () => <Icon><path d="M5 12 4 4.5 20.5 12 4 19.5 5 12m0 0h7" /></Icon>;
export const CheckIcon = () => <Icon><path d="m5 12.5 4.5 4.5L19 7.5" /></Icon>;
export const RemoveIcon = () => <Icon><circle cx="10" cy="8" r="3.5" /><path d="M3.5 20a6.5 6.5 0 0 1 11-4.7M16 18h5" /></Icon>;
export const PinIcon = () => <Icon><path d="M9 4h6l-1 6 3 3v2H7v-2l3-3zM12 15v5" /></Icon>;
export const EyeIcon = () => <Icon><path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z" /><circle cx="12" cy="12" r="2.8" /></Icon>;
export const EyeOffIcon = () => <Icon><path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z" />{SLASH}</Icon>;
export const MoreIcon = () => <Icon><circle cx="5.5" cy="12" r="0.6" /><circle cx="12" cy="12" r="0.6" /><circle cx="18.5" cy="12" r="0.6" /></Icon>;
export const ChartIcon = () => <Icon><path d="M5 19v-5M12 19V5M19 19v-9" /></Icon>;
export const ScreenIcon = () => <Icon><rect x="3" y="4.5" width="18" height="12" rx="2.5" /><path d="M8 20h8M12 13.5V8m0 0L9.5 10.5M12 8l2.5 2.5" /></Icon>;
export const ReplyIcon = () => <Icon><path d="M9.5 6 4 11.5 9.5 17M4.5 11.5H14a6 6 0 0 1 6 6v1" /></Icon>;
export const BinIcon = () => <Icon><path d="M4.5 7h15M9.5 7V4.5h5V7M6.5 7l1 13h9l1-13M10.5 11v5M13.5 11v5" /></Icon>;
export const PencilIcon = () => <Icon><path d="m4 20 1-4.5L16 4.5a2.1 2.1 0 0 1 3 3L8.5 19z" /></Icon>;
export const UnreadIcon = () => <Icon><path d="M4 7.5A2.5 2.5 0 0 1 6.5 5H13M20 11v4a2.5 2.5 0 0 1-2.5 2.5H11L6.5 21v-3.5A2.5 2.5 0 0 1 4 15V7.5" /><circle cx="18" cy="6" r="2.6" fill="currentColor" /></Icon>;
export const HashIcon = () => <Icon><path d="M9.5 4 7.5 20M16.5 4l-2 16M4.5 9h15.5M4 15h15.5" /></Icon>;
export const MembersIcon = () => <Icon><circle cx="9" cy="8.5" r="3.3" /><path d="M3 19.5a6 6 0 0 1 12 0M15.5 5.6a3.3 3.3 0 0 1 0 5.8M17.5 14.4a6 6 0 0 1 3.5 5.1" /></Icon>;
export const CalendarIcon = () => <Icon><rect x="4" y="5.5" width="16" height="14.5" rx="2.5" /><path d="M4 10h16M8.5 3v4M15.5 3v4" /></Icon>;
export const ListIcon = () => <Icon><path d="M4 6.5h16M4 12h16M4 17.5h16" /></Icon>;
export const BackIcon = () => <Icon><path d="M20 12H5m0 0 6-6m-6 6 6 6" /></Icon>;
export const ShieldIcon = () => <Icon><path d="M12 3.5 5 6v5.5c0 4.3 2.9 7.3 7 9 4.1-1.7 7-4.7 7-9V6z" /></Icon>;
