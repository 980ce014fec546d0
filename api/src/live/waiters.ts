import type { DeviceSelection } from '../devices/ids.ts'

interface Waiter {
  selection: DeviceSelection
  onEvent: () => void
}

/** Long polls that wait for something to happen. */
export class Waiters {
  readonly #waiters = new Set<Waiter>()

  /** Calls `onEvent` once, unless the returned function is called first. */
  add(selection: DeviceSelection, onEvent: () => void): () => void {
    const waiter = { selection, onEvent }
    this.#waiters.add(waiter)
    return () => this.#waiters.delete(waiter)
  }

  wake(isMeant: (selection: DeviceSelection) => boolean): void {
    for (const waiter of this.#waiters) {
      if (!isMeant(waiter.selection)) continue
      this.#waiters.delete(waiter)
      waiter.onEvent()
    }
  }
}
