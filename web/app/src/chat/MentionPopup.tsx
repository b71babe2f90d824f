import { useLayoutEffect, useRef, type RefObject } from 'react';
import { useT } from '../i18n';
import { Avatar } from '../ui/Avatar';
import type { Candidate } from './people';
import type { MentionList } from './useMentionList';

interface Props {
  id: string;
  list: MentionList;
  field: RefObject<HTMLTextAreaElement | null>;
}

/** Between the list and its field, and from the window's edges. */
const GAP = 6;

/** Stands over everything, above its field or below it where there is more place. */
export function MentionPopup({ id, list, field }: Props) {
  const t = useT().messages.mention;
  const popup = useRef<HTMLUListElement>(null);
  const { candidates, active } = list;

  useLayoutEffect(() => {
    const element = popup.current;
    if (!element || !field.current) return;
    element.showPopover();
    place(element, field.current.getBoundingClientRect());
  }, [candidates, field]);

  return (
    <ul ref={popup} id={id} className="mention-list" role="listbox" aria-label={t.title} popover="manual" data-testid="mention-list">
      {candidates.map((candidate, at) => (
        <li
          key={`${candidate.kind} ${candidate.id}`}
          id={optionId(id, at)}
          role="option"
          aria-selected={at === active}
          data-testid="mention-option"
          // The field keeps the focus.
          onPointerDown={(event) => event.preventDefault()}
          onPointerMove={() => at !== active && list.setActive(at)}
          onClick={() => list.pick(candidate)}
        >
          <Entry candidate={candidate} />
        </li>
      ))}
    </ul>
  );
}

function Entry({ candidate: { kind, id, name, also, color } }: { candidate: Candidate }) {
  const t = useT().messages.mention;
  const hint = kind === 'user' ? also : kind === 'role' ? t.role : t.everyoneHint;
  return (
    <>
      {kind === 'user' ? <Avatar name={name} id={id} /> : <span className="mention-sign" aria-hidden="true">@</span>}
      <span className="mention-name" style={color === undefined ? undefined : { color }}>{name}</span>
      {hint && <span className="mention-hint">{hint}</span>}
    </>
  );
}

export function optionId(id: string, at: number): string {
  return `${id}-${at}`;
}

function place(popup: HTMLElement, field: DOMRect): void {
  const { offsetWidth: width, offsetHeight: height } = popup;
  const above = field.top - GAP - height;
  popup.style.top = `${above >= GAP || field.top > window.innerHeight / 2 ? Math.max(GAP, above) : field.bottom + GAP}px`;
  popup.style.left = `${Math.max(GAP, Math.min(field.left, window.innerWidth - GAP - width))}px`;
}
