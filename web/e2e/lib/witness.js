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
        const { mid, rid, kind, packetsSent = 0, bytesSent = 0, framesEncoded = 0, frameWidth = 0, frameHeight = 0 } = row;
        rows.push({ mid, rid, kind, packetsSent, bytesSent, framesEncoded, frameWidth, frameHeight });
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

  window.__witness = {
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
