/** An answer is rarely on its way for longer. */
const keptMs = 15_000
const keptMax = 5_000

/** Events an answer may have been read before, although it came after them. */
export class Recent<E> {
  private readonly now: () => number
  private kept: { event: E; at: number }[] = []

  constructor(now: () => number) {
    this.now = now
  }

  add(event: E): void {
    this.kept.push({ event, at: this.now() })
    if (this.kept.length > 2 * keptMax) this.kept = this.kept.slice(-keptMax)
  }

  clear(): void {
    this.kept = []
  }

  /** Oldest first. */
  events(): E[] {
    const since = this.now() - keptMs
    const first = this.kept.findIndex(({ at }) => at >= since)
    this.kept = first < 0 ? [] : this.kept.slice(first)
    return this.kept.map(({ event }) => event)
  }
}
