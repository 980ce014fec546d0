import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { deletedSince, deletionTimes, readStorageClock } from '@telltale/infra/storage/deletions'
import type { Engine } from '@telltale/infra/storage/engine'
import {
  isDataError,
  isMissingPartition,
  sqlState,
  UNIQUE_VIOLATION,
  type Verdict,
  verdictOf,
} from '@telltale/infra/storage/errors'
import { insertLate, LateNotes, lateSpans } from '@telltale/infra/storage/late'
import type { Pool } from '@telltale/infra/storage/pool'
import { resolveSeries } from '@telltale/infra/storage/series'
import { type StoreWay, storeBatch, type TelemetryBatch } from '@telltale/infra/storage/telemetry'
import { type Message, missingSeries, quarantined, seriesKey, toRows } from './batch.ts'
import type { LatestReadings } from './latest-readings.ts'
import type { SeriesCache } from './series-cache.ts'
import type { Totals } from './totals.ts'

const { writer: bounds } = limits

export interface BatchStoreDeps {
  pool: Pool
  engine: Engine
  series: SeriesCache
  latest: LatestReadings
  totals: Totals
  log: Logger
}

/** How a batch comes to be stored: new, tried before, or back from the spool. */
export interface Attempt {
  /** From 0. A second one may repeat a commit whose answer was lost. */
  number: number
  /** Its messages waited on disk: they may be stored already, and their devices be gone. */
  isLate: boolean
}

/** Brings batches of messages into the database. */
export class BatchStore {
  readonly #deps: BatchStoreDeps
  readonly #lateNotes = new LateNotes()
  /** Batches still to be merged since one met a duplicate; COPY is tried again at 0. */
  #mergesLeft = 0

  constructor(deps: BatchStoreDeps) {
    this.#deps = deps
  }

  /** The newest deletion of a device it knows of; 0 before the first look. */
  get lastDeletion(): number {
    return this.#deps.series.asOf ?? 0
  }

  /**
   * Resolves when all of them are in the database; what it refuses is there as a rejected message. Storing again what
   * is there, or may be there, is harmless.
   * @throws what may pass or be mended: the whole batch is to be stored again
   */
  async store(messages: Message[], attempt: Attempt): Promise<void> {
    const isRepeated = attempt.number > 0 || attempt.isLate
    try {
      await this.#commit(messages, { isRepeated, isLate: attempt.isLate })
    } catch (error) {
      if (!mayDivide(verdictOf(error), { messages, attempt })) throw error
      await this.#divide(messages, error, attempt)
    }
  }

  async #commit(
    messages: Message[],
    { isRepeated, isLate }: { isRepeated: boolean; isLate: boolean },
  ): Promise<void> {
    for (let way: StoreWay = isRepeated ? 'merge' : this.#usualWay(); ; way = 'merge')
      try {
        return await this.#commitBy(way, messages, isLate)
      } catch (error) {
        if (way === 'merge') throw error
        if (sqlState(error) === UNIQUE_VIOLATION) this.#mergesLeft = bounds.mergeBatchesAfterDuplicate
        else if (isMissingPartition(error)) this.#deps.engine.forget()
        else throw error
      }
  }

  #usualWay(): StoreWay {
    return this.#mergesLeft > 0 ? 'merge' : 'copy'
  }

  async #commitBy(way: StoreWay, messages: Message[], isLate: boolean): Promise<void> {
    const { pool, engine, latest, totals } = this.#deps
    const looked = { wallMs: Date.now(), monotonicMs: performance.now() }
    const { nowMs, lastDeletion } = await readStorageClock(pool)
    // Every message was received before this look: for all of them, what the cache knows from here on is true.
    await this.#forgetDeleted(lastDeletion)
    const batch = await this.#toRows(isLate ? await this.#withoutDeleted(messages) : messages)
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

  /**
   * A device made again under its old id does not get what was sent in its former life. A deletion the broker knew of
   * when the message came is none of this; of the others two clocks decide, the database's and ours.
   */
  async #withoutDeleted(messages: Message[]): Promise<Message[]> {
    const { pool, log } = this.#deps
    const deletedMs = await deletionTimes(pool, {
      deviceIds: [...new Set(messages.map(({ deviceId }) => deviceId))],
      after: Math.min(...messages.map(({ lastDeletion = 0 }) => lastDeletion)),
    })
    const isMeant = ({ deviceId, receivedAtMs, lastDeletion = 0 }: Message) =>
      (deletedMs.get(deviceId) ?? []).every(
        ({ id, atMs }) => id <= lastDeletion || atMs <= receivedAtMs + limits.spool.deletedAfterMs,
      )
    const meant = messages.filter(isMeant)
    const dropped = messages.length - meant.length
    if (dropped > 0) log.warn({ dropped }, 'messages that waited on disk were for devices deleted since')
    return meant
  }

  /** The rows, as soon as the cache knows every series of the batch, but for those the database refuses to make. */
  async #toRows(messages: Message[]): Promise<TelemetryBatch> {
    const { pool, series } = this.#deps
    const refused = new Set<string>()
    for (;;) {
      const wanted = missingSeries(messages, series, refused)
      if (wanted.length === 0) return toRows(messages, series, refused)
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

  /** In halves until it goes through. What cannot be stored ends up alone and is quarantined, the rest is stored. */
  async #divide(messages: Message[], error: unknown, attempt: Attempt): Promise<void> {
    const [first, ...others] = messages
    if (!first) return
    if (others.length > 0) {
      const middle = messages.length >> 1
      await this.store(messages.slice(0, middle), attempt)
      await this.store(messages.slice(middle), attempt)
      return
    }
    const { log, totals } = this.#deps
    log.warn({ err: error, deviceId: first.deviceId }, 'the database refused a message')
    const rejection = first.readings.length > 0 ? quarantined(first, error as Error) : first
    try {
      if (rejection === first) throw error
      await this.#commit([rejection], { isRepeated: true, isLate: attempt.isLate })
    } catch (refusal) {
      if (!isDataError(refusal)) throw refusal
      // Not even its rejection can be stored; acknowledged all the same, or it would hold up everybody for ever.
      log.error({ rejected: rejection.rejected }, 'a rejected message could not be kept')
      totals.lost()
    }
  }
}

function mayDivide(verdict: Verdict, { messages, attempt }: { messages: Message[]; attempt: Attempt }) {
  if (verdict === 'divide') return true
  if (attempt.number < bounds.attemptsBeforeDividing) return false
  return verdict === 'give-up' || (verdict === 'lighten' && messages.length > 1)
}
