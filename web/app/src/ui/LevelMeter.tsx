import { useEffect, useRef } from 'react';
import { meterLevel } from 'zzan-client';
import { useT } from '../i18n';

const BARS = 12;

/** Shows that the microphone hears something. Drawn outside React: it changes twenty times a second. */
export function LevelMeter({ track }: { track: MediaStreamTrack | null }) {
  const t = useT();
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const meter = ref.current;
    if (!track || !meter) return;
    const stop = meterLevel(track, (level) => {
      const lit = track.enabled ? Math.round(level * BARS) : 0;
      meter.setAttribute('aria-valuenow', String(lit));
      [...meter.children].forEach((bar, at) => bar.classList.toggle('lit', at < lit));
    });
    return () => {
      stop();
      meter.setAttribute('aria-valuenow', '0');
      for (const bar of meter.children) bar.classList.remove('lit');
    };
  }, [track]);
  return (
    <div ref={ref} className="meter" role="meter" aria-label={t.prejoin.level} aria-valuemin={0} aria-valuemax={BARS} aria-valuenow={0} data-testid="mic-level">
      {Array.from({ length: BARS }, (_, at) => <span key={at} />)}
    </div>
  );
}
