// The passwords that this page's person just typed, so that who sets a table isn't asked at its door. Gone with the page.

const typed = new Map<string, string>();

export function rememberPassword(room: string, password: string): void {
  typed.set(room, password);
}

export function typedPassword(room: string): string {
  return typed.get(room) ?? '';
}
