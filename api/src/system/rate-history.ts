import type { SystemNow } from '../contract/index.ts'
import type { BrokerTotals, FleetTotals } from '../live/totals.ts'

/** Of each point. The brokers' word comes every second; a chart of half an hour has no place for that many. */
const POINT_MS = 5_000
const POINTS_MAX = 360

interface Point {
  at: number
  messagesPerSecond: number | null
  readingsPerSecond: number | null
  commitP50Ms: number | null
  commitP99Ms: number | null
}

interface Counted {
  startedAt: number
  messages: number
  readings: number
}

/** Half an hour of what the brokers have said, in memory: it begins when this API does. */
export class RateHistory {
  readonly #totals: FleetTotals
  readonly #now: () => number
  readonly #points: Point[] = []
  /** By broker, when the point that grows began. */
  #counted = new Map<string, Counted>()
  #begunMs: number
  #worst: Pick<Point, 'commitP50Ms' | 'commitP99Ms'> = { commitP50Ms: null, commitP99Ms: null }

  constructor(totals: FleetTotals, now: () => number = Date.now) {
    this.#totals = totals
    this.#now = now
    this.#begunMs = now()
  }

  /** Once a second. */
  look(): void {
    const brokers = this.#totals.brokers()
    for (const { commitP50Ms, commitP99Ms } of brokers) {
      this.#worst.commitP50Ms = larger(this.#worst.commitP50Ms, commitP50Ms)
      this.#worst.commitP99Ms = larger(this.#worst.commitP99Ms, commitP99Ms)
    }
    const nowMs = this.#now()
    if (nowMs - this.#begunMs >= POINT_MS) this.#endPoint(brokers, nowMs)
  }

  read(): SystemNow['history'] {
    const of = (which: Exclude<keyof Point, 'at'>) => this.#points.map((point) => point[which])
    return {
      everyMs: POINT_MS,
      from: this.#points[0]?.at ?? this.#now(),
      messagesPerSecond: of('messagesPerSecond'),
      readingsPerSecond: of('readingsPerSecond'),
      commitP50Ms: of('commitP50Ms'),
      commitP99Ms: of('commitP99Ms'),
    }
  }

  #endPoint(brokers: BrokerTotals[], nowMs: number): void {
    const seconds = (nowMs - this.#begunMs) / 1_000
    const isKnown = brokers.some(({ brokerId }) => this.#counted.has(brokerId))
    const rate = (which: 'messages' | 'readings') =>
      isKnown ? Math.round((this.#gained(brokers, which) / seconds) * 10) / 10 : null
    this.#points.push({
      at: nowMs,
      messagesPerSecond: rate('messages'),
      readingsPerSecond: rate('readings'),
      ...this.#worst,
    })
    if (this.#points.length > POINTS_MAX) this.#points.shift()
    this.#worst = { commitP50Ms: null, commitP99Ms: null }
    this.#begunMs = nowMs
    this.#counted = new Map(
      brokers.map(({ brokerId, startedAt, messagesTotal: messages, readingsTotal: readings }) => [
        brokerId,
        { startedAt, messages, readings },
      ]),
    )
  }

  /** A broker that has started again meanwhile counts from zero. */
  #gained(brokers: BrokerTotals[], which: 'messages' | 'readings'): number {
    let gained = 0
    for (const { brokerId, startedAt, messagesTotal, readingsTotal } of brokers) {
      const total = which === 'messages' ? messagesTotal : readingsTotal
      const before = this.#counted.get(brokerId)
      if (before !== undefined) gained += before.startedAt === startedAt ? total - before[which] : total
    }
    return Math.max(0, gained)
  }
}

function larger(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other
  return Math.max(one, other)
}
