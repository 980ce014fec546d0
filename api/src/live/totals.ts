import type { TotalsPayload } from '@telltale/broker/contract'
import type { LiveEvent, Spool } from '../contract/index.ts'
import { liveLimits } from './limits.ts'

type Totals = Omit<Extract<LiveEvent, { type: 'totals' }>['data'], 'time'>

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

  /** The spools of all brokers as one. */
  spool(): Spool | null {
    return this.brokers().reduce<Spool | null>((sum, { spool }) => addSpool(sum, spool), null)
  }

  sum(): Totals {
    const brokers = this.brokers()
    return {
      databaseUp: brokers.every(({ databaseUp }) => databaseUp !== false),
      spool: this.spool(),
      messagesPerSecond: brokers.reduce((sum, broker) => sum + broker.messagesPerSecond, 0),
      connections: brokers.reduce((sum, broker) => sum + broker.connections, 0),
    }
  }
}

/** Of several, the state that is worst for devices counts. */
const WORSE: Record<Spool['state'], number> = { empty: 0, replaying: 1, taking: 2, full: 3 }

function addSpool(sum: Spool | null, one: Spool | undefined): Spool | null {
  if (sum === null || one === undefined) return one ?? sum
  const refusal = sum.refusal ?? one.refusal
  return {
    state: WORSE[one.state] > WORSE[sum.state] ? one.state : sum.state,
    ...(refusal && { refusal }),
    messages: sum.messages + one.messages,
    words: (sum.words ?? 0) + (one.words ?? 0),
    bytes: sum.bytes + one.bytes,
    bytesMax: sum.bytesMax + one.bytesMax,
    oldestAt: earlier(sum.oldestAt, one.oldestAt),
    spooledTotal: sum.spooledTotal + one.spooledTotal,
    replayedTotal: sum.replayedTotal + one.replayedTotal,
    damagedBytes: sum.damagedBytes + one.damagedBytes,
  }
}

function earlier(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other
  return Math.min(one, other)
}

/** Counted when it is acknowledged, in the database or on the broker's disk, and not once more when it is moved. */
function takenIn({ messagesTotal, spool }: TotalsPayload): number {
  return messagesTotal + (spool?.spooledTotal ?? 0) - (spool?.replayedTotal ?? 0)
}

function ratePerSecond(newest: Sample, before: Sample | undefined): number {
  if (!before || newest.at <= before.at) return 0
  const messages = takenIn(newest.payload) - takenIn(before.payload)
  return Math.max(0, Math.round((messages * 10_000) / (newest.at - before.at)) / 10)
}
