// What a screen is before it knows what it is: a heading for who can't see it, and that it isn't ready.

import { useT } from '../i18n';

export function Loading() {
  const t = useT();
  return (
    <>
      <h1 className="visually-hidden">{t.appName}</h1>
      <p className="muted" role="status">{t.common.loading}</p>
    </>
  );
}
