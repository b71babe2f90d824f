// Notices that a PeerConnection's transport is dead. ICE takes up to half a minute to say so; what arrives tells sooner.

/** ICE often comes back from `disconnected` by itself, within a moment or not at all. */
const DISCONNECTED_MS = 2_000;

const SAMPLE_MS = 1_000;

/** Samples without a byte or a STUN answer. A browser checks its consent every 2.5 s at the most, so a live but idle path is never silent for as long. */
const SILENT_SAMPLES = 6;

/** A transport that never connected by then will not. */
const CONNECT_MS = 15_000;

/** Calls `lost` at most once. Returns what ends the watch. */
export function watchTransport(pc: RTCPeerConnection, lost: () => void): () => void {
  let connected = false;
  let silent = 0;
  let heard = -1;
  let disconnected: ReturnType<typeof setTimeout> | undefined;

  const stop = () => {
    clearInterval(sampling);
    clearTimeout(disconnected);
    clearTimeout(connecting);
    pc.removeEventListener('connectionstatechange', changed);
  };
  const report = () => {
    stop();
    lost();
  };
  const changed = () => {
    clearTimeout(disconnected);
    disconnected = undefined;
    if (pc.connectionState === 'connected') {
      connected = true;
      clearTimeout(connecting);
    }
    if (pc.connectionState === 'failed') report();
    if (pc.connectionState === 'disconnected') disconnected = setTimeout(report, DISCONNECTED_MS);
  };
  const sample = async () => {
    if (!connected) return;
    const now = heardSoFar(await pc.getStats());
    silent = now > heard ? 0 : silent + 1;
    heard = now;
    if (silent >= SILENT_SAMPLES && pc.connectionState === 'connected') report();
  };

  // Background pages get few timer ticks: samples come late there, never early, so silence is not overestimated.
  const sampling = setInterval(() => void sample().catch(() => undefined), SAMPLE_MS);
  const connecting = setTimeout(report, CONNECT_MS);
  pc.addEventListener('connectionstatechange', changed);
  return stop;
}

function heardSoFar(report: RTCStatsReport): number {
  let sum = 0;
  report.forEach((stat: { type: string; bytesReceived?: number; responsesReceived?: number }) => {
    if (stat.type === 'candidate-pair') sum += (stat.bytesReceived ?? 0) + (stat.responsesReceived ?? 0);
  });
  return sum;
}
