// Runs in every page before the page's own scripts. It wraps RTCPeerConnection and reads the browser's own figures, so that the browser
// is the witness and not the application. It changes nothing that the application can see.

(() => {
  if (window.__witness) return;
  const Native = window.RTCPeerConnection;
  const peers = [];

  class WitnessedPeerConnection extends Native {
    constructor(...args) {
      super(...args);
      this.__offers = 0;
      this.__answers = 0;
      this.__tracks = [];
      this.addEventListener('track', (event) => this.__tracks.push(event.track));
      peers.push(this);
    }
    async createOffer(...args) {
      this.__offers += 1;
      return super.createOffer(...args);
    }
    async setRemoteDescription(description, ...rest) {
      if (description?.type === 'answer') this.__answers += 1;
      return super.setRemoteDescription(description, ...rest);
    }
  }
  window.RTCPeerConnection = WitnessedPeerConnection;

  // When a click went to the join button, and when the first remote frame was on the screen after it.
  let joinClickedAt;
  let firstFrameAt;
  document.addEventListener(
    'click',
    (event) => {
      if (!event.target.closest?.('[data-testid="join-button"]')) return;
      joinClickedAt = performance.now();
      firstFrameAt = undefined;
      requestAnimationFrame(watchFirstFrame);
    },
    true,
  );

  function watchFirstFrame() {
    if (remoteVideos().some((video) => video.getVideoPlaybackQuality().totalVideoFrames > 0)) firstFrameAt = performance.now();
    else if (performance.now() - joinClickedAt < 30_000) requestAnimationFrame(watchFirstFrame);
  }

  const open = () => peers.filter((peer) => peer.connectionState !== 'closed');

  function receivedTracks(kind) {
    return open().flatMap((peer) => peer.getReceivers().map((receiver) => receiver.track).filter((track) => track.kind === kind));
  }

  // Video elements on the page that show something received.
  function remoteVideos() {
    const ids = new Set(receivedTracks('video').map((track) => track.id));
    return [...document.querySelectorAll('video')].filter(
      (video) => video.getClientRects().length > 0 && video.srcObject?.getVideoTracks?.().some((track) => ids.has(track.id)),
    );
  }

  function pixels(video) {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [32, 18];
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    return context.getImageData(0, 0, canvas.width, canvas.height).data;
  }

  const light = (data) => {
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum += data[i] + data[i + 1] + data[i + 2];
    return sum / ((data.length / 4) * 3);
  };

  const difference = (a, b) => {
    let sum = 0;
    for (let i = 0; i < a.length; i += 1) sum += Math.abs(a[i] - b[i]);
    return sum / a.length;
  };

  // Looks at every remote video twice. The fake camera's clock and pie move all the time.
  async function look(apartMs = 400) {
    const videos = remoteVideos();
    const first = videos.map(pixels);
    await new Promise((done) => setTimeout(done, apartMs));
    return videos.map((video, index) => {
      const second = pixels(video);
      return { width: video.videoWidth, height: video.videoHeight, light: light(second), moved: difference(first[index], second) };
    });
  }

  // The loudest moment of every received audio track within a time, from 0 to 1.
  async function listen(forMs = 1_500) {
    const context = new AudioContext();
    const ears = receivedTracks('audio')
      .filter((track) => !track.muted)
      .map((track) => {
        const analyser = context.createAnalyser();
        analyser.fftSize = 2048;
        context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
        return { analyser, samples: new Float32Array(analyser.fftSize), peak: 0 };
      });
    const end = performance.now() + forMs;
    while (performance.now() < end) {
      await new Promise((done) => setTimeout(done, 30));
      for (const ear of ears) {
        ear.analyser.getFloatTimeDomainData(ear.samples);
        ear.peak = Math.max(ear.peak, ...ear.samples.map(Math.abs));
      }
    }
    await context.close();
    return ears.map((ear) => ear.peak);
  }

  // Firefox's AudioContext doesn't run without an audio device: there, who is heard is read from the RTP level extension.
  function heardLevels() {
    return open().flatMap((peer) =>
      peer
        .getReceivers()
        .filter((receiver) => receiver.track.kind === 'audio')
        .flatMap((receiver) => receiver.getSynchronizationSources().map((source) => source.audioLevel ?? 0)),
    );
  }

  async function inbound() {
    const rows = [];
    for (const peer of open()) {
      for (const row of (await peer.getStats()).values()) {
        if (row.type !== 'inbound-rtp') continue;
        const { mid, kind, packetsReceived = 0, packetsLost = 0, framesDecoded = 0, freezeCount = 0, frameWidth = 0, nackCount = 0, pliCount = 0, bytesReceived = 0 } = row;
        rows.push({ mid, kind, packetsReceived, packetsLost, framesDecoded, freezeCount, frameWidth, nackCount, pliCount, bytesReceived });
      }
    }
    return rows;
  }

  // What is sent, by simulcast layer.
  async function outbound() {
    const rows = [];
    for (const peer of open()) {
      for (const row of (await peer.getStats()).values()) {
        if (row.type !== 'outbound-rtp') continue;
        const { mid, rid, kind, active, bytesSent = 0, frameWidth = 0, framesPerSecond = 0 } = row;
        rows.push({ mid, rid, kind, active, bytesSent, frameWidth, framesPerSecond });
      }
    }
    return rows;
  }

  // What came in within a time, per stream that got anything.
  async function flow(forMs = 1_000) {
    const before = new Map((await inbound()).map((row) => [`${row.kind}${row.mid}`, row]));
    await new Promise((done) => setTimeout(done, forMs));
    return (await inbound())
      .map((row) => {
        const old = before.get(`${row.kind}${row.mid}`);
        return {
          mid: row.mid,
          kind: row.kind,
          packets: row.packetsReceived - (old?.packetsReceived ?? 0),
          frames: row.framesDecoded - (old?.framesDecoded ?? 0),
        };
      })
      .filter((row) => row.packets > 0);
  }

  // How long nothing has come in, and the longest such time, since `watchGaps`. By RTP, whatever ICE says.
  let gapWatch;
  function watchGaps() {
    clearInterval(gapWatch?.timer);
    const watch = { received: -1, at: performance.now(), longest: 0 };
    const sample = async () => {
      const received = (await inbound()).reduce((sum, row) => sum + row.packetsReceived, 0);
      const now = performance.now();
      if (received !== watch.received) {
        if (watch.received >= 0) watch.longest = Math.max(watch.longest, now - watch.at);
        Object.assign(watch, { received, at: now });
      }
    };
    watch.timer = setInterval(() => void sample().catch(() => {}), 50);
    gapWatch = watch;
  }

  function gaps() {
    const now = performance.now() - gapWatch.at;
    return { now, longest: Math.max(gapWatch.longest, now) };
  }

  // What is received, every 200 ms since `recordMedia`, of the one audio and the one video that flow.
  let recording;
  function recordMedia() {
    clearInterval(recording?.timer);
    const rows = [];
    const sample = async () => {
      const best = {};
      for (const peer of open()) {
        for (const row of (await peer.getStats()).values()) {
          if (row.type === 'inbound-rtp' && row.packetsReceived > (best[row.kind]?.packetsReceived ?? 0)) best[row.kind] = row;
        }
      }
      const { audio = {}, video = {} } = best;
      rows.push({
        at: performance.now(),
        samples: audio.totalSamplesReceived ?? 0,
        concealed: audio.concealedSamples ?? 0,
        frames: video.framesDecoded ?? 0,
        width: video.frameWidth ?? 0,
        bytes: (video.bytesReceived ?? 0) + (audio.bytesReceived ?? 0),
        freezes: video.freezeCount ?? 0,
        frozen: video.totalFreezesDuration ?? 0,
      });
    };
    recording = { rows, timer: setInterval(() => void sample().catch(() => {}), 200) };
  }

  function recorded() {
    return { now: performance.now(), rows: recording.rows };
  }

  // The path that each open connection uses, by both ends.
  async function paths() {
    const found = [];
    for (const peer of open()) {
      const report = await peer.getStats();
      const rows = [...report.values()];
      const selected = rows.find((row) => row.type === 'transport')?.selectedCandidatePairId;
      const pair = report.get(selected) ?? rows.find((row) => row.type === 'candidate-pair' && (row.selected || (row.nominated && row.state === 'succeeded')));
      const of = (id) => {
        const { candidateType, protocol, relayProtocol, address, port } = report.get(id) ?? {};
        return { candidateType, protocol, relayProtocol, address, port };
      };
      if (pair) found.push({ local: of(pair.localCandidateId), remote: of(pair.remoteCandidateId) });
    }
    return found;
  }

  window.__witness = {
    recordMedia,
    recorded,
    watchGaps,
    gaps,
    paths,
    look,
    listen,
    heardLevels,
    inbound,
    outbound,
    flow,
    peers: () =>
      peers.map((peer) => ({ state: peer.connectionState, offers: peer.__offers, answers: peer.__answers, tracks: peer.__tracks.length })),
    joinMs: () => (firstFrameAt === undefined ? undefined : firstFrameAt - joinClickedAt),
  };
})();
