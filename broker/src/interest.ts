import { TopicTree } from './sessions/topic-tree.ts'

/** Of one broker: everything it wants, or what has changed; `number` counts the changes. */
export interface Change {
  number: number
  add: string[]
  remove: string[]
}

interface Other {
  filters: Set<string>
  number: number
  seenMs: number
}

/** What the other brokers want: the filters of the clients connected there. */
export class Interest {
  readonly #others = new Map<string, Other>()
  readonly #tree = new TopicTree<string, string>()

  get size(): number {
    return this.#others.size
  }

  /** @returns the number of the last change heard of it; -1 when nothing is known of what it wants */
  seen(brokerId: string, nowMs: number): number {
    const other = this.#others.get(brokerId) ?? { filters: new Set(), number: -1, seenMs: 0 }
    other.seenMs = nowMs
    this.#others.set(brokerId, other)
    return other.number
  }

  /** All it wants. */
  replace(brokerId: string, filters: string[], number: number): void {
    const known = [...(this.#others.get(brokerId)?.filters ?? [])]
    this.change(brokerId, { number, remove: known, add: [] })
    this.change(brokerId, { number, remove: [], add: filters })
  }

  change(brokerId: string, { number, add, remove }: Change): void {
    const other = this.#others.get(brokerId)
    if (!other) return
    other.number = number
    for (const filter of remove) {
      other.filters.delete(filter)
      this.#tree.delete(filter, brokerId)
    }
    for (const filter of add) {
      other.filters.add(filter)
      this.#tree.set(filter, brokerId, brokerId)
    }
  }

  /** The brokers that want a message on this topic. */
  of(topic: string): Iterable<string> {
    if (this.#others.size === 0) return []
    const found = this.#tree.match(topic)
    return found.length > 1 ? new Set(found) : found
  }

  forget(brokerId: string): void {
    this.replace(brokerId, [], -1)
    this.#others.delete(brokerId)
  }

  forgetUnseenSince(ms: number): void {
    for (const [brokerId, { seenMs }] of this.#others) if (seenMs < ms) this.forget(brokerId)
  }
}
