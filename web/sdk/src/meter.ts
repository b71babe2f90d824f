// How loud a microphone is, for a person to see that it works. Not what the server calls a speaker.

/** Quieter than this shows as silence, in dBFS. */
const FLOOR_DB = -60;

/** Calls back with 0–1 some twenty times a second. Returns what ends it. */
export function meterLevel(track: MediaStreamTrack, listener: (level: number) => void): () => void {
  if (typeof AudioContext === 'undefined') return () => {};
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    // A context made before the first click starts suspended.
    if (context.state === 'suspended') void context.resume();
    analyser.getFloatTimeDomainData(samples);
    listener(levelOf(samples));
  }, 50);
  return () => {
    clearInterval(timer);
    void context.close();
  };
}

/** Root mean square on a decibel scale, as 0–1. */
export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const db = 10 * Math.log10(sum / Math.max(1, samples.length) + 1e-12);
  return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
}
