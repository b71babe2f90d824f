// The figures of a call, once a second: what the server measures, and what the browser does, joined by m-line.

import { useEffect, useState } from 'react';
import type { MediaStats, Room, TrackKind } from 'zzan-client';

const EVERY_MS = 1_000;

/** One direction of one m-line, or of one layer on it. */
export interface Line {
  key: string;
  track: string;
  kind: TrackKind;
  layer: string | undefined;
  width: number | undefined;
  height: number | undefined;
  bitrate: number;
  frames: number | undefined;
  /** Packets that never came, of those that were to come. */
  lost: number | undefined;
  freezes: number | undefined;
  state: 'flows' | 'paused' | 'stalled' | 'idle';
}

export interface Figures {
  connection: Pick<MediaStats, 'round_trip_ms' | 'loss_up' | 'loss_down' | 'estimate_bps' | 'quality'>;
  receiving: Line[];
  sending: Line[];
}

interface BrowserLine {
  fps?: number;
  lost?: number;
  freezes?: number;
}

export function useFigures(room: Room): Figures | undefined {
  const [figures, setFigures] = useState<Figures>();
  useEffect(() => {
    let current = true;
    const ask = async () => {
      const [server, browser] = await Promise.all([room.serverStats(), room.stats()]);
      if (current) setFigures(join(server, browser ? linesOf(browser) : new Map()));
    };
    const run = () => void ask().catch(() => undefined);
    run();
    const timer = setInterval(run, EVERY_MS);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [room]);
  return figures;
}

function join(server: MediaStats, browser: Map<string, BrowserLine>): Figures {
  const receiving = server.subscriptions.map((line): Line => {
    const seen = browser.get(line.mid);
    const flowing = line.bitrate_bps > 0 ? 'flows' : 'idle';
    return {
      key: line.mid, track: line.track, kind: line.kind, layer: line.layer, width: line.width, height: line.height, bitrate: line.bitrate_bps,
      frames: seen?.fps, lost: seen?.lost, freezes: seen?.freezes,
      state: line.paused ? 'paused' : line.stalled ? 'stalled' : flowing,
    };
  });
  const sending = server.publications.flatMap((line) =>
    line.layers.map((layer): Line => ({
      key: `${line.mid}/${layer.rid ?? ''}`, track: line.track, kind: line.kind, layer: layer.rid, width: layer.width, height: layer.height,
      bitrate: layer.bitrate_bps, frames: browser.get(`${line.mid}/${layer.rid ?? ''}`)?.fps, lost: undefined, freezes: undefined,
      state: layer.flows ? 'flows' : 'idle',
    })),
  );
  return { connection: server, receiving, sending };
}

/** By mid for what is received, by mid and rid for what is sent. */
function linesOf(report: RTCStatsReport): Map<string, BrowserLine> {
  const lines = new Map<string, BrowserLine>();
  report.forEach((row: { type: string; mid?: string; rid?: string; framesPerSecond?: number; packetsLost?: number; packetsReceived?: number; freezeCount?: number }) => {
    if (row.type === 'outbound-rtp') lines.set(`${row.mid ?? ''}/${row.rid ?? ''}`, row.framesPerSecond === undefined ? {} : { fps: row.framesPerSecond });
    if (row.type !== 'inbound-rtp' || row.mid === undefined) return;
    const due = (row.packetsLost ?? 0) + (row.packetsReceived ?? 0);
    lines.set(row.mid, {
      ...(row.framesPerSecond === undefined ? {} : { fps: row.framesPerSecond }),
      ...(due === 0 ? {} : { lost: Math.max(0, row.packetsLost ?? 0) / due }),
      ...(row.freezeCount === undefined ? {} : { freezes: row.freezeCount }),
    });
  });
  return lines;
}
