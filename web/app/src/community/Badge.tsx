import { useT } from '../i18n';

/** Higher counts are all the same to who sees them. */
const SHOWN_MAX = 99;

/** How much is unread; mentions stand out. Nothing where nothing is. */
export function Badge({ unread, mentions }: { unread: number; mentions: number }) {
  const t = useT().community;
  if (unread === 0) return null;
  const label = mentions > 0 ? `${t.unread(unread)}, ${t.mentions(mentions)}` : t.unread(unread);
  return (
    <span className={mentions > 0 ? 'unread-badge mention' : 'unread-badge'} data-testid="badge" data-unread={unread}>
      <span aria-hidden="true">{unread > SHOWN_MAX ? `${SHOWN_MAX}+` : unread}</span>
      <span className="visually-hidden">{label}</span>
    </span>
  );
}
