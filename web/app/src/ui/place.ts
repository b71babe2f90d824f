// Where what a button opens stands.

/** Distance from the button and from the window's edges. */
const GAP = 8;

/** Under the button where there is place, over it otherwise; never beyond the window. */
export function place(panel: HTMLElement, anchor: DOMRect): void {
  const { offsetWidth: width, offsetHeight: height } = panel;
  const below = anchor.bottom + GAP;
  const top = below + height <= window.innerHeight - GAP ? below : anchor.top - GAP - height;
  panel.style.top = `${Math.max(GAP, Math.min(top, window.innerHeight - GAP - height))}px`;
  panel.style.left = `${Math.max(GAP, Math.min(anchor.right - width, window.innerWidth - GAP - width))}px`;
}
