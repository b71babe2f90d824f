// The browser's speech recognition, kept going: it ends by itself after every pause. What it isn't sure of yet is left out.

/** What keeps it from listening. `unreachable` and `silent` may pass. */
export type SpeechProblem = 'denied' | 'language' | 'unreachable' | 'silent';

export interface SpeechListener {
  /** A piece of speech, as it was understood in the end. */
  said: (text: string) => void;
  /** Whether it hears, and what keeps it from that. */
  changed: (problem: SpeechProblem | undefined) => void;
}

/** Before it begins again after a pause. */
const RESTART_MS = 250;

/** The longest wait before it begins again after failures. */
const RESTART_MAX_MS = 8_000;

interface Alternative {
  readonly transcript: string;
}

interface Result extends ArrayLike<Alternative> {
  readonly isFinal: boolean;
}

interface Recognition extends EventTarget {
  lang: string;
  continuous: boolean;
  interimResults: boolean;
  start(): void;
  abort(): void;
}

type RecognitionEvent = Event & { readonly results: ArrayLike<Result>; readonly error?: string };

function recognition(): (new () => Recognition) | undefined {
  const names = globalThis as { SpeechRecognition?: new () => Recognition; webkitSpeechRecognition?: new () => Recognition };
  return names.SpeechRecognition ?? names.webkitSpeechRecognition;
}

export function canListen(): boolean {
  return recognition() !== undefined;
}

/** Listens until it is undone, or the person or the browser doesn't allow it. `language` as in `ko-KR`. */
export function listen(language: string, listener: SpeechListener): () => void {
  const Speech = recognition();
  let over = Speech === undefined;
  let wait = RESTART_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let current: Recognition | undefined;

  const begin = () => {
    if (over || !Speech) return;
    const speech = new Speech();
    current = speech;
    speech.lang = language;
    speech.continuous = true;
    speech.interimResults = false;
    // Some browsers tell what they have told already.
    let told = 0;
    speech.addEventListener('result', (event) => {
      const { results } = event as RecognitionEvent;
      wait = RESTART_MS;
      for (; told < results.length && results[told]?.isFinal; told += 1) {
        const text = results[told]?.[0]?.transcript.trim();
        if (text && !over) listener.said(text);
      }
    });
    speech.addEventListener('start', () => !over && listener.changed(undefined));
    speech.addEventListener('error', (event) => !over && failed((event as RecognitionEvent).error ?? ''));
    speech.addEventListener('end', () => {
      if (speech !== current) return;
      timer = setTimeout(begin, wait);
    });
    try {
      speech.start();
    } catch {
      // It is still ending; it may begin after that.
      failed('aborted');
      timer = setTimeout(begin, wait);
    }
  };

  const failed = (error: string) => {
    const problem = PROBLEMS[error];
    if (problem === 'denied' || problem === 'language') stop();
    // A pause is no failure.
    if (error !== 'no-speech') wait = Math.min(wait * 2, RESTART_MAX_MS);
    if (problem) listener.changed(problem);
  };

  const stop = () => {
    over = true;
    clearTimeout(timer);
    current?.abort();
  };

  begin();
  return stop;
}

const PROBLEMS: Record<string, SpeechProblem | undefined> = {
  'not-allowed': 'denied',
  'service-not-allowed': 'denied',
  'language-not-supported': 'language',
  network: 'unreachable',
  'audio-capture': 'silent',
};
