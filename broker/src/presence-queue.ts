import { limits } from '@telltale/infra/limits'
import type { DeviceSession } from './presence.ts'
import type { Change } from './presence-changes.ts'

const { endedMax } = limits.presence

/**
 * Changes of presence in the order they happened, until they are written. Bounded by the number of connections: of
 * those that began and ended meanwhile, which only the history misses, the oldest are dropped.
 */
export class PresenceQueue {
  #changes: Change[] = []
  /** Being written: so many of the first. */
  #takenCount = 0
  /** Ended, and not one row written. */
  readonly #over = new Set<DeviceSession>()
  #droppedCount = 0

  get length(): number {
    return this.#changes.length
  }

  /** @returns reports that went with their connection */
  push(change: Change): Change[] {
    this.#changes.push(change)
    if (change.kind !== 'close' || change.session.epoch !== undefined) return []
    this.#over.add(change.session)
    return this.#over.size > endedMax ? this.#drop(Math.ceil(endedMax / 10)) : []
  }

  /** The oldest, to be written; `settle` follows, or another `take`. */
  take(count: number): Change[] {
    const taken = this.#changes.slice(0, count)
    this.#takenCount = taken.length
    return taken
  }

  /** What was taken is written. */
  settle(): void {
    for (const { session } of this.#changes.splice(0, this.#takenCount)) this.#over.delete(session)
    this.#takenCount = 0
  }

  /** Connections dropped since the last call. */
  takeDropped(): number {
    const count = this.#droppedCount
    this.#droppedCount = 0
    return count
  }

  #drop(count: number): Change[] {
    const dropped = new Set<DeviceSession>()
    // What has its row, or is about to, needs its end.
    const begun = new Set(this.#changes.slice(0, this.#takenCount).map(({ session }) => session))
    for (const session of this.#over) {
      if (dropped.size === count) break
      this.#over.delete(session)
      if (session.epoch === undefined && !begun.has(session)) dropped.add(session)
    }
    this.#droppedCount += dropped.size
    const waiting = this.#changes.splice(this.#takenCount)
    // One by one: a spread of so many arguments does not fit the stack.
    for (const change of waiting) if (!dropped.has(change.session)) this.#changes.push(change)
    return waiting.filter(({ kind, session }) => kind === 'report' && dropped.has(session))
  }
}
