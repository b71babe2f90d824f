// Which channel somebody looks at: the newest message in sight, on a page that has the focus. What is looked at is read, and told so once.

import type { Unsubscribe } from '../emitter.js';

/** Messages that come within this are told as read together. */
export const READ_AFTER_MS = 300;

/** Whether the page is looked at, and when that changes. */
export interface Attention {
  readonly here: boolean;
  onChange(listener: () => void): Unsubscribe;
}

export class Reading {
  private channel: string | undefined;
  /** Marked as unread by hand while it was open: not read again before it is opened anew. */
  private held: string | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly off: Unsubscribe;

  /** `read` is called for a channel that is looked at, some time after it began or something new came. */
  constructor(private readonly read: (channel: string) => void, private readonly attention: Attention = pageAttention()) {
    this.off = attention.onChange(() => this.schedule());
  }

  /** The newest message of this channel is in sight from now on; `undefined`: of none. */
  look(channel: string | undefined): void {
    if (channel === this.channel) return;
    this.channel = channel;
    this.schedule();
  }

  /** Another channel was opened, or this one anew. */
  opened(): void {
    this.held = undefined;
  }

  /** Leaves a channel unread although it is looked at. */
  hold(channel: string): void {
    this.held = channel;
  }

  /** Whether what comes to this channel is seen at once. */
  covers(channel: string): boolean {
    return this.channel === channel && this.held !== channel && this.attention.here;
  }

  /** Something came to the channel that is looked at. */
  schedule(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      if (this.channel !== undefined && this.covers(this.channel)) this.read(this.channel);
    }, READ_AFTER_MS);
  }

  close(): void {
    clearTimeout(this.timer);
    this.off();
  }
}

/** Of the browser's page; nobody looks where there is none. */
function pageAttention(): Attention {
  if (typeof document === 'undefined') return { here: false, onChange: () => () => undefined };
  return {
    get here() {
      return document.visibilityState === 'visible' && document.hasFocus();
    },
    onChange(listener) {
      window.addEventListener('focus', listener);
      document.addEventListener('visibilitychange', listener);
      return () => {
        window.removeEventListener('focus', listener);
        document.removeEventListener('visibilitychange', listener);
      };
    },
  };
}
