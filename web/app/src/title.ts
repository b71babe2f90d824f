// The title of the tab: where one is, and how much waits in the inbox.

let place = 'zzan';
let waiting = 0;

export function setPlace(title: string): void {
  place = title;
  show();
}

export function setWaiting(count: number): void {
  waiting = count;
  show();
}

function show(): void {
  document.title = waiting > 0 ? `(${waiting > 99 ? '99+' : waiting}) ${place}` : place;
}
