import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { backoffMs } from '@telltale/infra/retry'
import type { Engine } from '@telltale/infra/storage/engine'
import { isDataError, isMissingPartition, sqlState, UNIQUE_VIOLATION } from '@telltale/infra/storage/errors'
import type { Pool } from '@telltale/infra/storage/pool'
import { resolveSeries } from '@telltale/infra/storage/series'
import { type StoreWay, storeBatch } from '@telltale/infra/storage/telemetry'
import { type Message, missingSeries, seriesKey, toRows } from './batch.ts'
import type { SeriesCache } from './series-cache.ts'
import type { Totals } from './totals.ts'

const { writer: bounds } = limits

/**
 * Bounded group commit: while two batches are being stored, messages gather for the next one, so batches are small
 * when idle and large when busy, and one commit answers many publishes. A message is `stored()` only after its
 * commit; while the database is away nothing is, and the sockets of waiting clients are not read.
 */
export class TelemetryWriter {
  readonly #deps: { pool: Pool; engine: Engine; series: SeriesCache; totals: Totals; log: Logger }
  /** Gathering for the next batch; its rows and bytes are bounded. */
  readonly #open: Message[] = []
  /** Beyond the bounds: at most one socket chunk of each connection, which aedes reads no further meanwhile. */
  readonly #parked: Message[] = []
  #openRows = 0
  #openBytes = 0
  #inFlight = 0
  #isPumpScheduled = false
  /** Batches still to be merged since one met a duplicate; COPY is tried again at 0. */
  #mergesLeft = 0
  #onIdle: (() => void) | undefined

  constructor(deps: { pool: Pool; engine: Engine; series: SeriesCache; totals: Totals; log: Logger }) {
    this.#deps = deps
  }

  /** Joins the open batch. */
  add(message: Message): void {
    if (this.#hasRoom()) this.#admit(message)
    else this.#parked.push(message)
    this.#schedule()
  }

  get pendingRows(): number {
    return this.#openRows
  }

  get pendingBytes(): number {
    return this.#openBytes
  }

  /** Resolves when everything added so far is stored. */
  async idle(): Promise<void> {
    if (this.#inFlight === 0 && this.#open.length === 0) return
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve
    })
  }

  #hasRoom(): boolean {
    return this.#openRows < bounds.pendingRowsMax && this.#openBytes < bounds.pendingBytesMax
  }

  #admit(message: Message): void {
    this.#open.push(message)
    this.#openRows += message.rowCount
    this.#openBytes += message.payloadBytes
  }

  /** At the end of this turn of the event loop, so that a whole socket chunk shares a batch. */
  #schedule(): void {
    if (this.#isPumpScheduled || this.#inFlight >= bounds.batchesInFlightMax) return
    this.#isPumpScheduled = true
    setImmediate(() => {
      this.#isPumpScheduled = false
      this.#pump()
    })
  }

  #pump(): void {
    while (this.#inFlight < bounds.batchesInFlightMax && this.#open.length > 0) {
      this.#inFlight++
      void this.#store(this.#takeBatch()).finally(() => {
        this.#inFlight--
        this.#schedule()
        if (this.#inFlight === 0 && this.#open.length === 0) this.#onIdle?.()
      })
    }
  }

  #takeBatch(): Message[] {
    let rows = 0
    let count = 0
    while (count < this.#open.length && rows < bounds.batchRowsMax) rows += this.#open[count++]?.rowCount ?? 0
    const batch = this.#open.splice(0, count)
    for (const message of batch) {
      this.#openRows -= message.rowCount
      this.#openBytes -= message.payloadBytes
    }
    while (this.#parked.length > 0 && this.#hasRoom()) {
      const message = this.#parked.shift()
      if (message) this.#admit(message)
    }
    return batch
  }

  /** Never rejects: retries what may pass, splits what the data broke, until every message is stored. */
  async #store(messages: Message[]): Promise<void> {
    const startedMs = performance.now()
    for (let attempt = 0; ; attempt++) {
      // A second attempt may repeat a commit whose answer was lost: only merging is harmless then.
      const way: StoreWay = attempt > 0 || this.#mergesLeft > 0 ? 'merge' : 'copy'
      try {
        await this.#commit(messages, way)
        this.#deps.totals.stored(messages, performance.now() - startedMs)
        for (const message of messages) message.stored()
        return
      } catch (error) {
        if (sqlState(error) === UNIQUE_VIOLATION && way === 'copy')
          this.#mergesLeft = bounds.mergeBatchesAfterDuplicate
        else if (isMissingPartition(error)) this.#deps.engine.forget()
        else if (isDataError(error)) return this.#divide(messages, error)
        else await this.#waitAfter(error, attempt)
      }
    }
  }

  async #commit(messages: Message[], way: StoreWay): Promise<void> {
    const { pool, engine, series, totals } = this.#deps
    await this.#resolve(messages)
    // No await between the last look at the cache and its use: a reconnect elsewhere forgets series at any time.
    const batch = toRows(messages, series)
    await engine.cover(batch.numbers.timesMs)
    await engine.cover(batch.texts.timesMs)
    const { duplicates, conflicts } = await storeBatch(pool, batch, way)
    if (way === 'merge' && this.#mergesLeft > 0 && duplicates === 0) this.#mergesLeft--
    totals.committed({ duplicates, conflicts })
  }

  /** Until the cache knows every series of the batch, but for those the database refuses to make. */
  async #resolve(messages: Message[]): Promise<void> {
    const { pool, series } = this.#deps
    const refused = new Set<string>()
    for (;;) {
      const wanted = missingSeries(messages, series, refused)
      if (wanted.length === 0) return
      const resolved = await resolveSeries(pool, wanted)
      for (const [i, one] of wanted.entries()) {
        const found = resolved[i]
        if (found) series.of(one.deviceId).set(one.metric, found)
        else refused.add(seriesKey(one))
      }
    }
  }

  /** The database refused the data itself: halve until the culprit is alone, quarantine it, store the rest. */
  async #divide(messages: Message[], error: unknown): Promise<void> {
    const [first, ...others] = messages
    if (!first) return
    if (others.length > 0) {
      const middle = messages.length >> 1
      await this.#store(messages.slice(0, middle))
      await this.#store(messages.slice(middle))
      return
    }
    this.#deps.log.warn({ err: error, deviceId: first.deviceId }, 'the database refused a message')
    if (first.readings.length === 0) {
      // Not even its rejection can be stored; acknowledged all the same, or the device would resend it for ever.
      this.#deps.log.error({ rejected: first.rejected }, 'a rejected message could not be kept')
      return first.stored()
    }
    await this.#store([quarantined(first, `the database refused it: ${(error as Error).message}`)])
  }

  async #waitAfter(error: unknown, attempt: number): Promise<void> {
    const { log, totals } = this.#deps
    if (totals.isDatabaseUp) log.error({ err: error }, 'the database is away; readings wait unacknowledged')
    totals.isDatabaseUp = false
    await sleep(backoffMs({ minMs: bounds.retryDelayMinMs, maxMs: bounds.retryDelayMaxMs }, attempt))
  }
}

function quarantined(message: Message, reason: string): Message {
  const payload = Buffer.from(JSON.stringify(message.readings)).subarray(0, limits.rejected.payloadBytesKept)
  return {
    ...message,
    readings: [],
    rowCount: 1,
    rejected: message.rejected ?? {
      deviceId: message.deviceId,
      receivedAtMs: message.receivedAtMs,
      topic: 'telemetry',
      reason: reason.replaceAll('\0', '').slice(0, 500),
      payload,
      payloadBytes: message.payloadBytes,
    },
  }
}
