// Notices that a PeerConnection's path is gone. ICE takes up to half a minute to say so; what arrives tells sooner. It repairs nothing.

/** ICE often comes back from `disconnected` by itself, within a moment or not at all. */
const DISCONNECTED_MS = 2_000;

const SAMPLE_MS = 500;

/** Longest silence where media is expected. Packets come every 20 ms there, and reports on what is sent every second. */
const SILENT_FLOW_MS = 2_000;

/** Longest silence at all. A browser checks its consent every 2.5 s at the most, so a live but idle path is never silent for as long. */
const SILENT_IDLE_MS = 6_000;

/** A silence that counts when something else hints at a change of network, and how long a hint holds. */
const SILENT_HINTED_MS = 800;
const HINT_MS = 2_500;

/** Samples in a row with packets, after which their absence means something. */
const STEADY_SAMPLES = 4;

/** Bytes between two samples that are more than checks. */
const SENDING_BYTES = 400;

/** A transport that never connected by then will not. */
const CONNECT_MS = 15_000;

/** `path`: another path may be found for the same connection. `dead`: it never connected. */
export type Trouble = 'path' | 'dead';

interface Counts {
  received: number;
  sent: number;
}

export class TransportWatch {
  /** Whether media should be arriving. Whoever knows sets it. */
  expects: () => boolean = () => false;
  private connected = false;
  private reported = false;
  private heardAt = performance.now();
  private hintedUntil = 0;
  private steady = 0;
  private sending = false;
  private readonly pairs = new Map<string, Counts>();
  private readonly waiting = new Set<() => void>();
  private readonly offs: (() => void)[] = [];
  private disconnected: ReturnType<typeof setTimeout> | undefined;

  /** `report` is called once, and again only after {@link revived} was true. */
  constructor(private readonly pc: RTCPeerConnection, private readonly report: (trouble: Trouble) => void) {
    // Background pages get few timer ticks: samples come late there, and look at what arrived before they judge the silence.
    const sampling = setInterval(() => void this.sample().catch(() => undefined), SAMPLE_MS);
    const connecting = setTimeout(() => !this.connected && this.tell('dead'), CONNECT_MS);
    this.offs.push(() => clearInterval(sampling), () => clearTimeout(connecting));
    const changed = () => this.stateChanged();
    pc.addEventListener('connectionstatechange', changed);
    this.offs.push(() => pc.removeEventListener('connectionstatechange', changed), () => clearTimeout(this.disconnected));
    if (typeof window !== 'undefined') this.listenForHints();
  }

  stop(): void {
    for (const off of this.offs.splice(0)) off();
    for (const wake of this.waiting) wake();
  }

  /** Something else says that the network changed: a short silence is enough. */
  hint(): void {
    this.hintedUntil = performance.now() + HINT_MS;
    if (this.connected && this.pc.connectionState !== 'connected') this.tell('path');
  }

  /** Whether anything arrives from now on, within a time. */
  async revived(withinMs: number): Promise<boolean> {
    await this.sample().catch(() => undefined);
    const from = performance.now();
    while (performance.now() - from < withinMs && this.offs.length > 0) {
      await new Promise<void>((done) => {
        const timer = setTimeout(done, SAMPLE_MS / 5);
        this.waiting.add(() => (clearTimeout(timer), done()));
      });
      this.waiting.clear();
      await this.sample().catch(() => undefined);
      if (this.heardAt <= from || this.pc.connectionState !== 'connected') continue;
      this.reported = false;
      this.steady = 0;
      return true;
    }
    return false;
  }

  private listenForHints(): void {
    const online = () => this.connected && this.tell('path');
    const visible = () => document.visibilityState === 'visible' && this.hint();
    window.addEventListener('online', online);
    document.addEventListener('visibilitychange', visible);
    this.offs.push(
      () => window.removeEventListener('online', online),
      () => document.removeEventListener('visibilitychange', visible),
    );
  }

  private stateChanged(): void {
    clearTimeout(this.disconnected);
    switch (this.pc.connectionState) {
      case 'connected':
        this.connected = true;
        this.heardAt = performance.now();
        break;
      case 'disconnected':
        this.disconnected = setTimeout(() => this.tell('path'), DISCONNECTED_MS);
        break;
      case 'failed':
        this.tell(this.connected ? 'path' : 'dead');
        break;
      default:
    }
  }

  private async sample(): Promise<void> {
    if (!this.connected) return;
    const { received, sent } = this.count(await this.pc.getStats());
    if (received > 0) {
      this.heardAt = performance.now();
      this.steady += 1;
      this.sending = sent > SENDING_BYTES;
      return;
    }
    const flows = this.steady >= STEADY_SAMPLES && (this.sending || this.expects());
    const now = performance.now();
    const silent = now - this.heardAt;
    if (silent > SAMPLE_MS && !flows) this.steady = 0;
    const limit = flows ? SILENT_FLOW_MS : SILENT_IDLE_MS;
    if (silent >= (now < this.hintedUntil ? SILENT_HINTED_MS : limit)) this.tell('path');
  }

  /** What moved since the last sample. A restart takes pairs away, so their sum may fall though something arrived. */
  private count(report: RTCStatsReport): Counts {
    const moved = { received: 0, sent: 0 };
    report.forEach((stat: { id: string; type: string; bytesReceived?: number; responsesReceived?: number; bytesSent?: number }) => {
      if (stat.type !== 'candidate-pair') return;
      const now = { received: (stat.bytesReceived ?? 0) + (stat.responsesReceived ?? 0), sent: stat.bytesSent ?? 0 };
      const before = this.pairs.get(stat.id);
      moved.received += Math.max(0, now.received - (before?.received ?? 0));
      moved.sent += Math.max(0, now.sent - (before?.sent ?? 0));
      this.pairs.set(stat.id, now);
    });
    return moved;
  }

  private tell(trouble: Trouble): void {
    if (this.reported || this.offs.length === 0) return;
    this.reported = true;
    this.report(trouble);
  }
}
