// Two glasses, clinking.

export function Logo() {
  return (
    <svg className="logo" viewBox="0 0 64 64" aria-hidden="true" focusable="false">
      <g className="logo-sparks">
        <path d="M32 4v8M22 7l3.5 6.5M42 7l-3.5 6.5" />
      </g>
      <g transform="rotate(-14 18 40)">
        <path className="logo-beer" d="M9 29h20v24a4 4 0 0 1-4 4H13a4 4 0 0 1-4-4z" />
        <path className="logo-foam" d="M8 30a4.5 4.5 0 0 1 3.5-7.4 6.5 6.5 0 0 1 12-1A5 5 0 0 1 30 29.5c0 2-2.5 2.5-4 1.5-2 2.4-4.5 2.4-6.5.5-2 2-4 2-6 0-2 1.6-4.5 1-5.5-1.5z" />
        <path className="logo-handle" d="M9 35H6.5A4.5 4.5 0 0 0 2 39.5v6A4.5 4.5 0 0 0 6.5 50H9" />
      </g>
      <g transform="rotate(14 46 40)">
        <path className="logo-beer" d="M35 29h20v24a4 4 0 0 1-4 4H39a4 4 0 0 1-4-4z" />
        <path className="logo-foam" d="M34 30a4.5 4.5 0 0 1 3.5-7.4 6.5 6.5 0 0 1 12-1A5 5 0 0 1 56 29.5c0 2-2.5 2.5-4 1.5-2 2.4-4.5 2.4-6.5.5-2 2-4 2-6 0-2 1.6-4.5 1-5.5-1.5z" />
        <path className="logo-handle" d="M55 35h2.5a4.5 4.5 0 0 1 4.5 4.5v6a4.5 4.5 0 0 1-4.5 4.5H55" />
      </g>
    </svg>
  );
}
