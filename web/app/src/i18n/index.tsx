// The page's language: `?lang=` first, then the browser's.

import { createContext, useContext, useEffect, useMemo, type ReactNode } from 'react';
import { useLocation } from '../route';
import { en, type Dictionary } from './en';
import { ko } from './ko';

export const LANGUAGES = { ko, en } as const;
export type Language = keyof typeof LANGUAGES;

interface Words {
  language: Language;
  t: Dictionary;
}

const WordsContext = createContext<Words>({ language: 'en', t: en });

export function languageOf(search: string, preferred: string): Language {
  const wanted = new URLSearchParams(search).get('lang') ?? preferred;
  return wanted.toLowerCase().startsWith('ko') ? 'ko' : 'en';
}

export function WordsProvider({ children }: { children: ReactNode }) {
  const { search } = useLocation();
  const language = languageOf(search, navigator.language);
  const words = useMemo(() => ({ language, t: LANGUAGES[language] }), [language]);
  useEffect(() => void (document.documentElement.lang = language), [language]);
  return <WordsContext value={words}>{children}</WordsContext>;
}

export function useWords(): Words {
  return useContext(WordsContext);
}

/** The dictionary of the page's language. */
export function useT(): Dictionary {
  return useContext(WordsContext).t;
}
