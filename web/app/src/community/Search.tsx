// Search in a server: the field in its header, and what was found beside the messages.

import { useEffect, useRef, useState } from 'react';
import { ZzanError, type CommunityServer, type Message } from 'zzan-client';
import { MessageText } from '../chat/MessageText';
import { TalkContext, useLabels, usePeople } from '../chat/people';
import { useT } from '../i18n';
import type { Dictionary } from '../i18n/en';
import { CloseIcon, SearchIcon } from '../ui/icons';
import { Panel } from '../ui/Panel';
import { useNames, useServer, useWhen } from './hooks';

/** The server's limits. */
const WORDS_MAX = 10;
const CHARS_MAX = 200;

/** A result is cut so far before its first hit. */
const CONTEXT_CHARS = 80;

/** What is searched for. An object of its own each time. */
export interface Query {
  readonly text: string;
}

interface FieldProps {
  /** Whether the field is there on narrow screens too. */
  open: boolean;
  onOpen: (open: boolean) => void;
  onSearch: (query: Query | undefined) => void;
}

/** On narrow screens a button that opens into a field. */
export function SearchField({ open, onOpen, onSearch }: FieldProps) {
  const t = useT().messages.search;
  const [text, setText] = useState('');
  const input = useRef<HTMLInputElement>(null);
  const clear = () => {
    setText('');
    onOpen(false);
    onSearch(undefined);
  };
  return (
    <>
      <button
        type="button"
        className="icon-button narrow-only search-open"
        aria-label={t.open}
        aria-expanded={open}
        onClick={() => {
          onOpen(true);
          requestAnimationFrame(() => input.current?.focus());
        }}
        data-testid="open-search"
      >
        <SearchIcon />
      </button>
      <form
        role="search"
        className={open ? 'search open' : 'search'}
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() !== '') onSearch({ text: text.trim() });
        }}
      >
        <SearchIcon />
        <input
          ref={input}
          className="input"
          type="text"
          inputMode="search"
          enterKeyHint="search"
          autoComplete="off"
          aria-label={t.label}
          placeholder={t.placeholder}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.nativeEvent.isComposing || event.keyCode === 229) return;
            if (event.key === 'Escape') clear();
          }}
          data-testid="search-input"
        />
        {(text !== '' || open) && <button type="button" className="icon-button tiny" aria-label={t.clear} onClick={clear} data-testid="search-clear"><CloseIcon /></button>}
      </form>
    </>
  );
}

interface PanelProps {
  server: CommunityServer;
  query: Query;
  onOpen: (message: Message) => void;
  onClose: () => void;
}

interface Found {
  readonly messages: readonly Message[];
  readonly next?: string | undefined;
  readonly busy: boolean;
  readonly problem?: string;
}

const NOTHING: Found = { messages: [], busy: true };

/** To be keyed by the query. */
export function SearchPanel({ server, query, onOpen, onClose }: PanelProps) {
  const t = useT();
  const words = t.messages.search;
  const state = useServer(server);
  const people = usePeople(state);
  const nameOf = useNames(state);
  const [found, setFound] = useState(NOTHING);
  const labelOf = useLabels(people, found.messages, nameOf);
  const wanted = query.text.split(/\s+/).filter(Boolean);
  const tooMuch = wanted.length > WORDS_MAX || [...query.text].length > CHARS_MAX;

  const search = (before?: string) => {
    setFound((known) => ({ messages: known.messages, next: known.next, busy: true }));
    server.search(query.text, { before }).then(
      ({ messages, next }) => setFound((known) => ({ messages: before === undefined ? messages : [...known.messages, ...messages], next, busy: false })),
      (cause: unknown) => setFound((known) => ({ ...known, busy: false, problem: problemOf(cause, t) })),
    );
  };
  useEffect(() => {
    if (tooMuch) setFound({ messages: [], busy: false, problem: words.tooMuch });
    else search();
  }, [query]);

  const { messages, next, busy, problem } = found;
  return (
    <Panel title={words.title} onClose={onClose} testId="search-results">
      <p className="muted small" role="status" data-testid="search-status">
        {busy && messages.length === 0 ? words.busy : messages.length > 0 ? words.found(messages.length, next !== undefined) : problem === undefined ? words.none(query.text) : ''}
      </p>
      {problem && <p className="field-error" role="alert" data-testid="search-problem">{problem}</p>}
      <TalkContext value={{ people, labelOf }}>
        <ol className="found-list">
          {messages.map((message) => (
            <li key={message.id} className="found" data-testid="found">
              <Hit message={message} words={wanted} channel={state.channels.find(({ id }) => id === message.channel)?.name} author={nameOf(message.author)} onOpen={() => onOpen(message)} />
            </li>
          ))}
        </ol>
      </TalkContext>
      {next !== undefined && <button type="button" className="button ghost small" disabled={busy} onClick={() => search(next)} data-testid="search-more">{words.more}</button>}
    </Panel>
  );
}

interface HitProps {
  message: Message;
  words: readonly string[];
  channel: string | undefined;
  author: string;
  onOpen: () => void;
}

function Hit({ message, words, channel, author, onOpen }: HitProps) {
  const t = useT().messages.search;
  const when = useWhen();
  return (
    <button type="button" className="found-open" onClick={onOpen} data-testid="found-open">
      <span className="found-head">
        <span className="found-channel" data-testid="found-channel"># {channel ?? t.goneChannel}</span>
        <strong data-testid="found-author">{author}</strong>
        <time dateTime={message.sent_at}>{when(message.sent_at)}</time>
      </span>
      <span className="found-text" data-testid="found-text"><MessageText message={{ ...message, text: excerpt(message.text, words) }} words={words} /></span>
    </button>
  );
}

/** A long text from a little before its first hit on. */
function excerpt(text: string, words: readonly string[]): string {
  const folded = text.toLocaleLowerCase();
  const first = Math.min(...words.map((word) => folded.indexOf(word.toLocaleLowerCase())).filter((at) => at >= 0));
  if (first === Infinity || first <= CONTEXT_CHARS * 2) return text;
  const start = text.lastIndexOf(' ', first - CONTEXT_CHARS);
  return start > 0 && first - start < CONTEXT_CHARS * 2 ? `…${text.slice(start)}` : text;
}

function problemOf(cause: unknown, t: Dictionary): string {
  // Words were counted before, so that `invalid` is said of the store.
  return ZzanError.from(cause).code === 'invalid' ? t.messages.search.cant : t.messages.search.failed;
}
