// What the page remembers. In an embedded page the browser may refuse storage: then it is remembered until the page closes.

class Shelf {
  private readonly fallback = new Map<string, string>();

  constructor(private readonly storage: () => Storage) {}

  read<T>(key: string): T | undefined {
    const text = this.attempt((storage) => storage.getItem(key)) ?? this.fallback.get(key);
    if (text === undefined || text === null) return undefined;
    try {
      return JSON.parse(text) as T;
    } catch {
      return undefined;
    }
  }

  write(key: string, value: unknown): void {
    const text = JSON.stringify(value);
    this.fallback.set(key, text);
    this.attempt((storage) => storage.setItem(key, text));
  }

  remove(key: string): void {
    this.fallback.delete(key);
    this.attempt((storage) => storage.removeItem(key));
  }

  private attempt<T>(act: (storage: Storage) => T): T | undefined {
    try {
      return act(this.storage());
    } catch {
      return undefined;
    }
  }
}

/** For this browser. */
export const browserShelf = new Shelf(() => localStorage);

/** For this tab; survives a refresh. */
export const tabShelf = new Shelf(() => sessionStorage);
