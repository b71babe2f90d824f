// The server let nobody in: a link that is no longer good, or no place for guests.

import { useT } from '../i18n';
import { hasExpired } from '../pass';
import { navigate } from '../route';
import { ProblemScreen } from '../ui/ProblemScreen';
import type { Visitor } from '../visitor';

export function Refused({ visitor }: { visitor: Visitor }) {
  const t = useT();
  const { pass } = visitor;
  if (!pass) return <ProblemScreen problem={{ kind: 'no_guests' }} action={{ label: t.common.retry, run: () => visitor.restart() }} />;
  const asGuest = () => {
    visitor.forgetPass();
    navigate('/', { replace: true });
  };
  return <ProblemScreen problem={{ kind: hasExpired(pass) ? 'pass_expired' : 'pass_invalid' }} instead={{ label: t.direct.asGuest, run: asGuest }} />;
}
