// A PeerConnection without a network: it has m-lines and channels, and takes a while to take an answer.

export class FakeDataChannel extends EventTarget {
  static readonly all: FakeDataChannel[] = [];
  readyState: RTCDataChannelState = 'connecting';
  bufferedAmount = 0;
  binaryType = 'blob';
  readonly sent: Uint8Array[] = [];

  constructor(readonly label: string, readonly options: RTCDataChannelInit) {
    super();
    FakeDataChannel.all.push(this);
  }

  static last(label: string): FakeDataChannel {
    const channel = FakeDataChannel.all.findLast((channel) => channel.label === label);
    if (!channel) throw new Error(`no channel ${label}`);
    return channel;
  }

  send(payload: Uint8Array) {
    this.sent.push(payload);
  }

  become(state: 'open' | 'closed') {
    this.readyState = state;
    this.dispatchEvent(new Event(state === 'open' ? 'open' : 'close'));
  }

  receive(bytes: Uint8Array) {
    this.dispatchEvent(new MessageEvent('message', { data: bytes.buffer }));
  }

  close() {
    if (this.readyState !== 'closed') this.become('closed');
  }
}

export class FakeSender {
  track: unknown = null;
  /** How often encodings were changed. */
  changes = 0;
  private encodings: RTCRtpEncodingParameters[];

  constructor(encodings: RTCRtpEncodingParameters[]) {
    this.encodings = encodings.map((encoding) => ({ active: true, ...encoding }));
  }

  replaceTrack(track: unknown) {
    this.track = track;
    return Promise.resolve();
  }

  getParameters() {
    return { encodings: this.encodings.map((encoding) => ({ ...encoding })) };
  }

  setParameters({ encodings }: { encodings: RTCRtpEncodingParameters[] }) {
    this.changes += 1;
    this.encodings = encodings;
    return Promise.resolve();
  }

  /** The rids that are sent; an encoding without a rid is `-`. */
  get active(): string[] {
    return this.encodings.filter(({ active }) => active).map(({ rid }) => rid ?? '-');
  }
}

export class FakePeerConnection extends EventTarget {
  static readonly all: FakePeerConnection[] = [];
  connectionState: RTCPeerConnectionState = 'new';
  offers = 0;
  restarts = 0;
  /** Of the one path that there is. */
  readonly path = { id: 'CP1', type: 'candidate-pair', bytesReceived: 0, bytesSent: 0, responsesReceived: 0 };
  localDescription: RTCSessionDescriptionInit | null = null;
  private readonly transceivers: { mid: string; sender: FakeSender; receiver: object }[] = [];

  constructor(public configuration: RTCConfiguration = {}) {
    super();
    FakePeerConnection.all.push(this);
  }

  addTransceiver(kind: string, { sendEncodings = [{}] }: RTCRtpTransceiverInit = {}) {
    const mid = String(this.transceivers.length);
    const transceiver = { mid, sender: new FakeSender(sendEncodings), receiver: { track: { kind, mid } } };
    this.transceivers.push(transceiver);
    return transceiver;
  }

  getTransceivers() {
    return this.transceivers;
  }

  createDataChannel(label: string, options: RTCDataChannelInit) {
    return new FakeDataChannel(label, options);
  }

  createOffer() {
    this.offers += 1;
    return Promise.resolve({ type: 'offer', sdp: 'v=0' });
  }

  setLocalDescription(description: RTCSessionDescriptionInit) {
    this.localDescription = description;
    return Promise.resolve();
  }

  setRemoteDescription() {
    return new Promise((done) => setTimeout(done, 50));
  }

  getStats() {
    return Promise.resolve(new Map([[this.path.id, { ...this.path }]]));
  }

  restartIce() {
    this.restarts += 1;
  }

  setConfiguration(configuration: RTCConfiguration) {
    this.configuration = configuration;
  }

  become(state: RTCPeerConnectionState) {
    this.connectionState = state;
    this.dispatchEvent(new Event('connectionstatechange'));
  }

  close() {
    this.connectionState = 'closed';
  }
}
