// The way into the inbox, with how much waits there.

import type { Client } from 'zzan-client';
import { useT } from '../i18n';
import { BellIcon } from '../ui/icons';
import { usePopover } from '../ui/usePopover';
import { InboxPanel } from './InboxPanel';
import { useInbox } from './useInbox';

/** Higher counts are all the same to who sees them. */
const SHOWN_MAX = 99;

export function Bell({ client }: { client: Client }) {
  const t = useT();
  const { unread } = useInbox(client).state;
  const { button, panel, id, open } = usePopover((opened) => opened.focus());

  const close = () => {
    panel.current?.hidePopover();
    button.current?.focus();
  };
  const label = t.inbox.open(unread);
  return (
    <>
      <button
        ref={button}
        type="button"
        className="icon-button bell"
        aria-label={label}
        title={label}
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-controls={id}
        data-testid="bell"
        data-unread={unread}
        onClick={() => panel.current?.togglePopover()}
      >
        <BellIcon />
        {unread > 0 && <span className="unread-badge" aria-hidden="true">{unread > SHOWN_MAX ? `${SHOWN_MAX}+` : unread}</span>}
      </button>
      <div
        ref={panel}
        id={id}
        className="inbox"
        role="dialog"
        aria-label={t.inbox.title}
        popover="auto"
        tabIndex={-1}
        data-testid="inbox"
        // It closes the inbox, not what is around it.
        onKeyDown={(event) => event.key === 'Escape' && event.stopPropagation()}
      >
        {open && <InboxPanel client={client} onClose={close} />}
      </div>
    </>
  );
}
