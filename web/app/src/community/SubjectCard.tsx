// What a backend tells of the thing that a channel is about. All of it is text; of addresses https alone is followed.

import { useId } from 'react';
import type { Channel } from 'zzan-client';
import { httpsOf } from '../address';
import { useWords } from '../i18n';
import type { Dictionary } from '../i18n/en';

/** More than this is no summary. */
const FACTS_MAX = 12;

/** Told in places of their own. */
const PLACED = ['title', 'state', 'price', 'currency', 'image_url', 'url'];

type Metadata = Record<string, unknown>;

export function SubjectCard({ channel, subject }: { channel: Channel; subject: string | undefined }) {
  const { t, language } = useWords();
  const id = useId();
  const metadata = channel.metadata ?? {};
  const { title, state } = metadata;
  const [image, url] = [httpsOf(metadata['image_url']), httpsOf(metadata['url'])];
  const price = priceOf(metadata, language);
  const facts = factsOf(metadata, t);
  return (
    <section className="subject" aria-labelledby={id} data-testid="subject">
      {image && <img key={image} className="subject-image" src={image} alt="" referrerPolicy="no-referrer" onError={(event) => (event.currentTarget.hidden = true)} />}
      <div className="subject-body">
        <span className="visually-hidden" id={id}>{t.direct.about}</span>
        <div className="subject-head">
          <strong className="subject-title" data-testid="subject-title">{typeof title === 'string' && title !== '' ? title : channel.name}</strong>
          <span role="status">
            {isScalar(state) && <span className="subject-state" data-state={String(state)} data-testid="subject-state">{stateName(String(state), t)}</span>}
          </span>
        </div>
        {price !== undefined && <span className="subject-price">{price}</span>}
        {subject !== undefined && <span className="muted small subject-id" data-testid="subject-id">{t.direct.subject}: {subject}</span>}
        {facts.length > 0 && (
          <dl className="subject-facts">
            {facts.map(([name, value]) => <div key={name} data-testid="subject-fact"><dt>{name}</dt><dd>{value}</dd></div>)}
          </dl>
        )}
      </div>
      {url && <a className="button ghost small" href={url} target="_blank" rel="noopener noreferrer" data-testid="subject-link">{t.direct.open}</a>}
    </section>
  );
}

function factsOf(metadata: Metadata, t: Dictionary): [string, string][] {
  const names: Record<string, string> = t.direct.facts;
  const told = Object.entries(metadata).filter(([name]) => !PLACED.includes(name));
  return told
    .flatMap(([name, value]): [string, string][] => {
      const text = textOf(value, t);
      return text === undefined ? [] : [[(Object.hasOwn(names, name) && names[name]) || name, text]];
    })
    .slice(0, FACTS_MAX);
}

/** As a person reads it. What has a structure of its own is for programs. */
function textOf(value: unknown, t: Dictionary): string | undefined {
  if (typeof value === 'boolean') return value ? t.direct.yes : t.direct.no;
  if (isScalar(value)) return String(value);
  if (Array.isArray(value) && value.every(isScalar) && value.length > 0) return value.join(', ');
  return undefined;
}

function isScalar(value: unknown): value is string | number {
  return (typeof value === 'string' && value !== '') || typeof value === 'number';
}

function stateName(state: string, t: Dictionary): string {
  const names: Record<string, string> = t.direct.states;
  return (Object.hasOwn(names, state) && names[state]) || state;
}

function priceOf({ price, currency }: Metadata, language: string): string | undefined {
  if (typeof price !== 'number') return isScalar(price) ? String(price) : undefined;
  try {
    return new Intl.NumberFormat(language, typeof currency === 'string' ? { style: 'currency', currency } : {}).format(price);
  } catch {
    // Not a currency that anybody knows.
    return `${price} ${String(currency)}`;
  }
}
