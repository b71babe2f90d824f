// The figures behind a picture that isn't what it should be.

import type { Room, RoomState } from 'zzan-client';
import { useT } from '../i18n';
import { Dialog } from '../ui/Dialog';
import { useFigures, type Figures, type Line } from './useFigures';

export function StatsDialog({ room, state, onClose }: { room: Room; state: RoomState; onClose: () => void }) {
  const t = useT();
  const figures = useFigures(room);
  return (
    <Dialog title={t.stats.title} onClose={onClose} testId="stats-dialog" wide>
      {figures ? (
        <>
          <Connection figures={figures} />
          <Lines title={t.stats.receiving} lines={figures.receiving} state={state} />
          <Lines title={t.stats.sending} lines={figures.sending} state={state} />
        </>
      ) : (
        <p className="muted" role="status">{t.common.loading}</p>
      )}
    </Dialog>
  );
}

function Connection({ figures: { connection } }: { figures: Figures }) {
  const t = useT();
  const rows: [string, string][] = [
    [t.stats.quality, connection.quality ? t.call.quality[connection.quality] : t.stats.unknown],
    [t.stats.roundTrip, connection.round_trip_ms === undefined ? t.stats.unknown : t.stats.ms(Math.round(connection.round_trip_ms))],
    [t.stats.lossUp, percent(connection.loss_up)],
    [t.stats.lossDown, percent(connection.loss_down)],
    [t.stats.estimate, connection.estimate_bps === undefined ? t.stats.unknown : kbps(connection.estimate_bps)],
  ];
  return (
    <dl className="stats-facts">
      {rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}

function Lines({ title, lines, state }: { title: string; lines: Line[]; state: RoomState }) {
  const t = useT();
  const nameOf = (id: string) => {
    const track = state.tracks.find((track) => track.id === id);
    const who = state.participants.find((participant) => participant.id === track?.participant);
    return { who: who?.id === state.me.id ? t.common.you : (who?.name ?? ''), source: track ? t.stats.source[track.source] : '' };
  };
  // Of what one sends, others know what was lost.
  const hasLosses = lines.some(({ lost, freezes }) => lost !== undefined || freezes !== undefined);
  return (
    <section className="stats-lines">
      <h3>{title}</h3>
      {lines.length === 0 ? <p className="muted small">{t.stats.nothing}</p> : (
        <div className="stats-scroll">
          <table>
            <thead>
              <tr><th scope="col">{t.stats.track}</th><th scope="col">{t.stats.picture}</th><th scope="col">{t.stats.bitrate}</th>{hasLosses && <><th scope="col">{t.stats.lost}</th><th scope="col">{t.stats.freezes}</th></>}</tr>
            </thead>
            <tbody>
              {lines.map((line) => {
                const { who, source } = nameOf(line.track);
                return (
                  <tr key={line.key} data-testid="stats-line" data-kind={line.kind} data-layer={line.layer} data-state={line.state}>
                    <th scope="row"><span>{who}</span> <span className="muted">{source}</span></th>
                    <td>{picture(line)}</td>
                    <td>{line.state === 'flows' ? kbps(line.bitrate) : <span className="muted">{t.stats.state[line.state]}</span>}</td>
                    {hasLosses && <><td>{line.lost === undefined ? '' : percent(line.lost)}</td><td>{line.freezes ?? ''}</td></>}
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function picture({ kind, layer, width, height, frames, state }: Line): string {
  if (kind === 'audio' || state !== 'flows') return layer ?? '';
  const size = width === undefined || height === undefined ? undefined : `${width}×${height}`;
  const rate = frames === undefined ? undefined : `${Math.round(frames)}/s`;
  return [layer, size, rate].filter(Boolean).join(' · ');
}

function kbps(bps: number): string {
  return bps >= 999_500 ? `${(bps / 1_000_000).toFixed(1)} Mbit/s` : `${Math.round(bps / 1_000)} kbit/s`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}
