// A typed list of listeners. A listener that throws doesn't keep the others from hearing.

export type Unsubscribe = () => void;

export class Emitter<Events extends object> {
  private readonly listeners = new Map<keyof Events, Set<(payload: never) => void>>();

  on<N extends keyof Events>(name: N, listener: (payload: Events[N]) => void): Unsubscribe {
    let set = this.listeners.get(name);
    if (!set) this.listeners.set(name, (set = new Set()));
    set.add(listener);
    return () => void set.delete(listener);
  }

  emit<N extends keyof Events>(name: N, payload: Events[N]): void {
    for (const listener of [...(this.listeners.get(name) ?? [])]) {
      try {
        (listener as (payload: Events[N]) => void)(payload);
      } catch (error) {
        console.error(`zzan: a listener of ${String(name)} threw`, error);
      }
    }
  }

  clear(): void {
    this.listeners.clear();
  }
}
