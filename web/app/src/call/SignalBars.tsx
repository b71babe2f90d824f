import type { Quality } from 'zzan-client';
import { useT } from '../i18n';

const BARS: Record<Quality, number> = { poor: 1, good: 2, excellent: 3 };

/** How well somebody's connection does, in three steps. */
export function SignalBars({ quality }: { quality: Quality }) {
  const t = useT();
  const label = t.call.quality[quality];
  return (
    <span className={`signal signal-${quality}`} role="img" aria-label={label} title={label} data-testid="quality" data-quality={quality}>
      {[1, 2, 3].map((bar) => <span key={bar} className={bar <= BARS[quality] ? 'lit' : undefined} aria-hidden="true" />)}
    </span>
  );
}
