import type { ReactNode } from 'react';

interface Props {
  title: string;
  text?: string | undefined;
  children?: ReactNode;
}

/** Says what went wrong on a screen that stays usable. */
export function ErrorBanner({ title, text, children }: Props) {
  return (
    <div className="banner error" role="alert" data-testid="error-banner">
      <div>
        <strong>{title}</strong>
        {text && <p>{text}</p>}
      </div>
      {children && <div className="banner-actions">{children}</div>}
    </div>
  );
}
