// Notifications of the browser, for while this tab is hidden. Asked for by a click of the person's and never otherwise.

import { isPageHidden } from '../hooks/usePageHidden';
import { browserShelf } from '../storage';

const KEY = 'zzan.alerts';

export type BrowserAlerts = 'on' | 'off' | 'denied' | 'missing';

export function browserAlerts(): BrowserAlerts {
  if (typeof Notification === 'undefined') return 'missing';
  if (Notification.permission === 'denied') return 'denied';
  return browserShelf.read<boolean>(KEY) === true && Notification.permission === 'granted' ? 'on' : 'off';
}

/** Switches them on, after the browser has asked the person, or off. */
export async function switchBrowserAlerts(on: boolean): Promise<BrowserAlerts> {
  const granted = on && typeof Notification !== 'undefined' && (await Notification.requestPermission()) === 'granted';
  browserShelf.write(KEY, granted);
  return browserAlerts();
}

interface Alert {
  /** The same one from several tabs is shown once. */
  id: string;
  title: string;
  text: string | undefined;
  onClick: () => void;
}

/** Shows it where the person wants that and doesn't see the page. */
export function alertInBrowser({ id, title, text, onClick }: Alert): void {
  if (!isPageHidden() || browserAlerts() !== 'on') return;
  try {
    const shown = new Notification(title, { tag: id, icon: '/logo.svg', ...(text === undefined ? {} : { body: text }) });
    shown.onclick = () => {
      window.focus();
      shown.close();
      onClick();
    };
  } catch {
    // Phones let service workers alone show notifications; the count in the title stays.
  }
}
