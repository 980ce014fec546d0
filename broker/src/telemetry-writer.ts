import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { backoffMs } from '@telltale/infra/retry'
import { deletedSince, readStorageClock } from '@telltale/infra/storage/deletions'
import type { Engine } from '@telltale/infra/storage/engine'
import { isDataError, isMissingPartition, sqlState, UNIQUE_VIOLATION } from '@telltale/infra/storage/errors'
import { insertLate, LateNotes, lateSpans } from '@telltale/infra/storage/late'
import type { Pool } from '@telltale/infra/storage/pool'
import { resolveSeries } from '@telltale/infra/storage/series'
import { type StoreWay, storeBatch, type TelemetryBatch } from '@telltale/infra/storage/telemetry'
import { type Message, missingSeries, seriesKey, toRows } from './batch.ts'
import type { LatestReadings } from './latest-readings.ts'
import type { SeriesCache } from './series-cache.ts'
import type { Totals } from './totals.ts'

const { writer: bounds } = limits

export interface WriterDeps {
  pool: Pool
  engine: Engine
  series: SeriesCache
  latest: LatestReadings
  totals: Totals
  log: Logger
}

/**
 * Bounded group commit: while two batches are being stored, messages gather for the next one, so batches are small
 * when idle and large when busy, and one commit answers many publishes. A message is `stored()` only after its
 * commit; while the database is away nothing is, and the sockets of waiting clients are not read.
 */
export class TelemetryWriter {
  readonly #deps: WriterDeps
  readonly #lateNotes = new LateNotes()
  /** Gathering for the next batch; its rows and bytes are bounded. */
  readonly #open: Message[] = []
  /** Beyond the bounds: at most one socket chunk of each connection, which aedes reads no further meanwhile. */
  readonly #parked: Message[] = []
  #openRows = 0
  #openBytes = 0
  #inFlight = 0
  #fullSinceMs: number | undefined
  #fullMs = 0
  #shareSinceMs = performance.now()
  #isPumpScheduled = false
  /** Batches still to be merged since one met a duplicate; COPY is tried again at 0. */
  #mergesLeft = 0
  #onIdle: (() => void) | undefined

  constructor(deps: WriterDeps) {
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

  /** Of the time since the last call, the share in which as many batches were being stored as may be. */
  takeBusyShare(): number {
    const nowMs = performance.now()
    const fullMs = this.#fullMs + (this.#fullSinceMs === undefined ? 0 : nowMs - this.#fullSinceMs)
    const share = Math.min(1, fullMs / Math.max(1, nowMs - this.#shareSinceMs))
    this.#fullMs = 0
    this.#shareSinceMs = nowMs
    if (this.#fullSinceMs !== undefined) this.#fullSinceMs = nowMs
    return Math.round(share * 100) / 100
  }

  #countInFlight(change: 1 | -1): void {
    this.#inFlight += change
    const isFull = this.#inFlight >= bounds.batchesInFlightMax
    if (isFull) this.#fullSinceMs ??= performance.now()
    else if (this.#fullSinceMs !== undefined) {
      this.#fullMs += performance.now() - this.#fullSinceMs
      this.#fullSinceMs = undefined
    }
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
      this.#countInFlight(1)
      void this.#store(this.#takeBatch()).finally(() => {
        this.#countInFlight(-1)
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
        else if (isMissingPartition(error)) {
          this.#deps.engine.forget()
          if (attempt > 0) await this.#waitAfter(error, attempt)
        } else if (isDataError(error)) return this.#divide(messages, error)
        else await this.#waitAfter(error, attempt)
      }
    }
  }

  async #commit(messages: Message[], way: StoreWay): Promise<void> {
    const { pool, engine, series, latest, totals } = this.#deps
    const looked = { wallMs: Date.now(), monotonicMs: performance.now() }
    const { nowMs, lastDeletion } = await readStorageClock(pool)
    // Every message was received before this look: for all of them, what the cache knows from here on is true.
    await this.#forgetDeleted(lastDeletion)
    const refused = await this.#resolve(messages)
    const batch = toRows(messages, series, refused)
    await engine.cover(batch.numbers.timesMs)
    await engine.cover(batch.texts.timesMs)
    const late = this.#lateNotes.wanted(batch.numbers, nowMs)
    const result = await storeBatch(pool, batch, { way, late })
    this.#lateNotes.noted(late, nowMs)
    if (way === 'merge' && this.#mergesLeft > 0 && result.duplicates === 0) this.#mergesLeft--
    // One clock stands still while the machine sleeps, the other one can be set.
    const tookMs = Math.max(Date.now() - looked.wallMs, performance.now() - looked.monotonicMs)
    await this.#noteSlow(batch, tookMs)
    latest.note(batch, result)
    totals.committed(result)
  }

  /** A process that was frozen meanwhile judged lateness by a time long gone: rollups may have passed the rows. */
  async #noteSlow(batch: TelemetryBatch, tookMs: number): Promise<void> {
    if (tookMs > limits.rollups.commitWithinMs)
      await insertLate(this.#deps.pool, lateSpans(batch.numbers, Number.POSITIVE_INFINITY))
  }

  async #forgetDeleted(lastDeletion: number): Promise<void> {
    const { pool, series } = this.#deps
    if (series.asOf !== undefined && series.asOf >= lastDeletion) return
    // Before the first look nothing is cached.
    series.forget(series.asOf === undefined ? [] : await deletedSince(pool, series.asOf), lastDeletion)
  }

  /** Until the cache knows every series of the batch, but for those the database refuses to make: the answer. */
  async #resolve(messages: Message[]): Promise<ReadonlySet<string>> {
    const { pool, series } = this.#deps
    const refused = new Set<string>()
    for (;;) {
      const wanted = missingSeries(messages, series, refused)
      if (wanted.length === 0) return refused
      const { asOf } = series
      const resolved = await resolveSeries(pool, wanted)
      // Another batch learned of a deletion meanwhile: these may be ids of a former life.
      if (series.asOf !== asOf) continue
      for (const [i, one] of wanted.entries()) {
        const found = resolved[i]
        if (found) series.add(one.deviceId, one.metric, found)
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
