// Marks when the first remote picture is on the screen: with `zzan:join-click` the time that a person waits.

const MARK = 'zzan:first-frame';

/** Returns what gives up waiting. */
export function markFirstFrame(video: HTMLVideoElement): () => void {
  if (performance.getEntriesByName(MARK).length > 0) return () => undefined;
  const mark = () => {
    if (performance.getEntriesByName(MARK).length === 0) performance.mark(MARK);
  };
  if ('requestVideoFrameCallback' in video) {
    const handle = video.requestVideoFrameCallback(mark);
    return () => video.cancelVideoFrameCallback(handle);
  }
  const plain = video as HTMLVideoElement;
  plain.addEventListener('loadeddata', mark, { once: true });
  return () => plain.removeEventListener('loadeddata', mark);
}
