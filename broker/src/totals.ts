import type { Message } from './batch.ts'
import type { ConnectionCount, SpoolState, TotalsPayload } from './contract/index.ts'

/** Commit times kept for one second's percentiles; more are thinned out, not added. */
const SAMPLES_MAX = 1_000

/** Brokers before these were counted told nothing of them; this one does. */
type Troubles = Required<Pick<TotalsPayload, 'problems' | 'droppedTotal'>>

/** Running counts of this broker, sent to the API once a second. */
export class Totals {
  readonly #startedAt = Date.now()
  #messages = 0
  #readings = 0
  #rejected = 0
  #duplicates = 0
  #conflicts = 0
  #batches = 0
  #acknowledged = 0
  #countedAhead = 0
  #commitMs: number[] = []
  isDatabaseUp = true

  stored(messages: Message[], commitMs: number): void {
    this.#count(messages)
    if (this.#commitMs.length < SAMPLES_MAX) this.#commitMs.push(commitMs)
  }

  /** They waited on disk: how long that was says nothing of the database. */
  replayed(messages: Message[]): void {
    const counted = Math.min(this.#countedAhead, messages.length)
    this.#countedAhead -= counted
    this.#count(messages.slice(counted))
  }

  /** Counted as stored, and on disk all the same: of what comes back from there so many are not counted again. */
  stillToCome(messages: Message[]): void {
    this.#countedAhead += messages.length
  }

  /** Acknowledged in a former life, and waiting on disk at the start of this one. */
  waited(messages: number): void {
    this.#acknowledged += messages
  }

  /** One that was counted as stored could not be kept in any form: it must show. */
  lost(): void {
    this.#messages--
  }

  #count(messages: Message[]): void {
    this.#messages += messages.length
    for (const message of messages) {
      for (const reading of message.readings) this.#readings += reading.metrics.length
      if (message.rejected) this.#rejected++
    }
  }

  /** Counted where the answer is given, not where the message is stored: that they agree is worth looking at. */
  acknowledged(): void {
    this.#acknowledged++
  }

  committed({ duplicates, conflicts }: { duplicates: number; conflicts: number }): void {
    this.#batches++
    this.#duplicates += duplicates
    this.#conflicts += conflicts
    this.isDatabaseUp = true
  }

  /** The counts so far, and the commit times since the last call. */
  take(
    now: Pick<TotalsPayload, 'brokerId' | 'connections' | 'pendingRows' | 'pendingBytes' | 'busyShare'> &
      Troubles & { connectionsBy: ConnectionCount[]; aedesVersion: string; spool: SpoolState },
  ): TotalsPayload {
    const sorted = this.#commitMs.sort((a, b) => a - b)
    this.#commitMs = []
    return {
      ...now,
      startedAt: this.#startedAt,
      messagesTotal: this.#messages,
      readingsTotal: this.#readings,
      rejectedTotal: this.#rejected,
      duplicatesTotal: this.#duplicates,
      conflictsTotal: this.#conflicts,
      batchesTotal: this.#batches,
      commitP50Ms: percentile(sorted, 0.5),
      commitP99Ms: percentile(sorted, 0.99),
      // A database that is silent fails nothing for a while.
      databaseUp: this.isDatabaseUp && now.spool.state !== 'taking' && now.spool.state !== 'full',
      acknowledgedTotal: this.#acknowledged,
      rssBytes: process.memoryUsage.rss(),
      nodeVersion: process.version,
    }
  }
}

function percentile(sorted: number[], share: number): number | null {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return value === undefined ? null : Math.round(value * 10) / 10
}
