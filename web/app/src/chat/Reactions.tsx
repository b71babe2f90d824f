import type { Message, Reaction } from 'zzan-client';
import { useT } from '../i18n';
import { SmileIcon } from '../ui/icons';
import { useTalk } from './people';

interface Props {
  message: Message;
  hasReacted: (emoji: string) => boolean;
  /** Absent where one may only look. */
  onReact: ((emoji: string, on: boolean) => void) | undefined;
  onPicker: (anchor: HTMLElement) => void;
}

/** What others made of a message, each emoji with its count. */
export function Reactions({ message, hasReacted, onReact, onPicker }: Props) {
  const t = useT();
  const words = t.messages.reactions;
  const { people, labelOf } = useTalk();
  const nameOf = (id: string) => (id === people.me ? t.common.you : (labelOf({ kind: 'user', id })?.slice(1) ?? t.common.guest));
  const names = ({ users, count }: Reaction) => {
    const known = users.map(nameOf).join(', ');
    return count > users.length ? words.more(known, count - users.length) : known;
  };
  return (
    <ul className="reactions" data-testid="reactions">
      {(message.reactions ?? []).map((reaction) => {
        const own = hasReacted(reaction.emoji);
        return (
          <li key={reaction.emoji}>
            <button
              type="button"
              className="reaction"
              aria-pressed={own}
              aria-label={words.label(reaction.emoji, reaction.count, names(reaction))}
              title={names(reaction)}
              disabled={!onReact}
              onClick={() => onReact?.(reaction.emoji, !own)}
              data-testid="reaction"
              data-emoji={reaction.emoji}
            >
              <span className="reaction-emoji">{reaction.emoji}</span> {reaction.count}
            </button>
          </li>
        );
      })}
      {onReact && (
        <li>
          <button type="button" className="reaction add" aria-label={words.add} title={words.add} onClick={(event) => onPicker(event.currentTarget)} data-testid="add-reaction"><SmileIcon /></button>
        </li>
      )}
    </ul>
  );
}
