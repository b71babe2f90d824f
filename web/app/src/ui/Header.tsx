// The bar above lobby and pre-join: the name, who you are, the language.

import type { ReactNode } from 'react';
import { LANGUAGES, useWords, type Language } from '../i18n';
import { chooseLanguage, navigate } from '../route';
import { Logo } from './Logo';

export function Header({ children }: { children?: ReactNode }) {
  const { language, t } = useWords();
  return (
    <header className="header">
      <a
        className="brand"
        href="/"
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return;
          event.preventDefault();
          navigate('/');
        }}
      >
        <Logo />
        <span>{t.appName}</span>
      </a>
      <div className="header-side">
        {children}
        <div className="segmented small" role="group" aria-label={t.common.language}>
          {(Object.keys(LANGUAGES) as Language[]).map((key) => (
            <button key={key} type="button" lang={key} aria-pressed={key === language} onClick={() => chooseLanguage(key)}>
              {key === 'ko' ? '한국어' : 'English'}
            </button>
          ))}
        </div>
      </div>
    </header>
  );
}
