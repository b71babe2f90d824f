// A whole screen for what ended a visit: what happened, and a way on.

import { useEffect, useRef, type ReactNode } from 'react';
import { useWords } from '../i18n';
import type { Problem } from '../problem';
import { navigate } from '../route';
import { Header } from './Header';
import { Logo } from './Logo';

interface Way {
  label: string;
  run: () => void;
}

interface Props {
  problem: Problem;
  /** The better way on, where there is one. */
  action?: Way | undefined;
  /** A way on in the place of the one to the lobby. */
  instead?: Way;
  children?: ReactNode;
}

export function ProblemScreen({ problem, action, instead, children }: Props) {
  const { t, language } = useWords();
  const words = t.problem[problem.kind];
  // The server speaks English.
  const detail = language === 'en' || problem.kind === 'failed' ? problem.detail : undefined;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [problem.kind]);
  return (
    <div className="page">
      <Header />
      <main className="problem" data-testid="error-banner" data-problem={problem.kind} role="alert">
        <div className="problem-glass"><Logo /></div>
        <h1 ref={heading} tabIndex={-1}>{words.title}</h1>
        <p>{words.text}</p>
        {detail && <p className="muted small">{detail}</p>}
        {children}
        <div className="problem-actions">
          {action && <button type="button" className="button primary" onClick={action.run} data-testid="problem-action">{action.label}</button>}
          <button type="button" className={action ? 'button ghost' : 'button primary'} onClick={instead ? instead.run : () => navigate('/')} data-testid="to-lobby">{instead ? instead.label : t.common.toLobby}</button>
        </div>
      </main>
    </div>
  );
}
