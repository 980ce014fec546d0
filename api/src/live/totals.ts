import type { TotalsPayload } from '@telltale/broker/contract'
import { liveLimits } from './limits.ts'

interface Sample {
  payload: TotalsPayload
  at: number
}

export interface BrokerTotals extends TotalsPayload {
  messagesPerSecond: number
}

/** Rates from the running totals each broker sends once a second. Brokers that fell silent are left out. */
export class FleetTotals {
  readonly #samples = new Map<string, { newest: Sample; before: Sample | undefined }>()
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  update(payload: TotalsPayload): void {
    const newest = { payload, at: this.#now() }
    const known = this.#samples.get(payload.brokerId)?.newest
    // A restarted broker counts from zero again.
    const before = known?.payload.startedAt === payload.startedAt ? known : undefined
    this.#samples.set(payload.brokerId, { newest, before })
  }

  brokers(): BrokerTotals[] {
    const now = this.#now()
    for (const [brokerId, { newest }] of this.#samples)
      if (now - newest.at > liveLimits.totalsFreshMs) this.#samples.delete(brokerId)
    return [...this.#samples.values()].map(({ newest, before }) => ({
      ...newest.payload,
      messagesPerSecond: ratePerSecond(newest, before),
    }))
  }

  /** How near to its capacity the busiest broker is, 0 to 1. */
  ingestShare(): number {
    return Math.max(0, ...this.brokers().map(({ busyShare }) => busyShare))
  }

  sum(): { messagesPerSecond: number; connections: number } {
    const brokers = this.brokers()
    return {
      messagesPerSecond: brokers.reduce((sum, broker) => sum + broker.messagesPerSecond, 0),
      connections: brokers.reduce((sum, broker) => sum + broker.connections, 0),
    }
  }
}

function ratePerSecond(newest: Sample, before: Sample | undefined): number {
  if (!before || newest.at <= before.at) return 0
  const messages = newest.payload.messagesTotal - before.payload.messagesTotal
  return Math.max(0, Math.round((messages * 10_000) / (newest.at - before.at)) / 10)
}
