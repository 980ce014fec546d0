import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { type LatestRow, repairLatest, repairSeries, saveLatest } from '@telltale/infra/storage/latest'
import type { Pool } from '@telltale/infra/storage/pool'
import type { BatchResult, TelemetryBatch } from '@telltale/infra/storage/telemetry'
import { Trouble } from './trouble.ts'

const { flushMs, flushRowsMax, flushShareMax } = limits.latest

/**
 * The newest reading of each series, written to `latest_reading` about once a second: once per series, not once per
 * reading. Only what is committed is noted; what a killed broker had not saved yet is found again at its next start.
 */
export class LatestReadings {
  readonly #pool: Pool
  readonly #log: Logger
  readonly #trouble: Trouble
  #changed = new Map<number, LatestRow>()
  /** Met duplicates: the value given may not be the one that was kept. */
  #doubtful = new Set<number>()
  #timer: NodeJS.Timeout | undefined
  #flushing: Promise<void> | undefined
  #isStopped = false

  constructor(pool: Pool, log: Logger) {
    this.#pool = pool
    this.#log = log
    this.#trouble = new Trouble(log, 'latest readings not saved; trying again')
  }

  start(): void {
    void repairLatest(this.#pool).catch((err: unknown) =>
      this.#log.warn({ err }, 'latest readings not repaired'),
    )
    this.#plan(flushMs)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#flushing
    await this.#flush().catch((err: unknown) => this.#log.warn({ err }, 'latest readings not saved'))
  }

  /** The batch is committed. */
  note(batch: TelemetryBatch, { duplicates }: BatchResult): void {
    for (const rows of [batch.numbers, batch.texts]) {
      if (duplicates > 0) for (const id of rows.seriesIds) this.#doubtful.add(id)
      else
        for (let i = 0; i < rows.seriesIds.length; i++) {
          const seriesId = rows.seriesIds[i] as number
          const timeMs = rows.timesMs[i] as number
          const known = this.#changed.get(seriesId)
          if (!known)
            this.#changed.set(seriesId, { seriesId, timeMs, value: rows.values[i] as number | string })
          else if (timeMs > known.timeMs) {
            known.timeMs = timeMs
            known.value = rows.values[i] as number | string
          }
        }
    }
  }

  #plan(delayMs: number): void {
    if (this.#isStopped) return
    this.#timer = setTimeout(() => {
      const startedMs = performance.now()
      this.#flushing = this.#flush()
        .then(
          () => this.#trouble.worked(),
          (err: unknown) => this.#trouble.failed(err),
        )
        .finally(() => {
          const tookMs = performance.now() - startedMs
          this.#plan(Math.max(flushMs, tookMs / flushShareMax))
        })
    }, delayMs)
  }

  async #flush(): Promise<void> {
    const changed = [...this.#changed.values()]
    const doubtful = [...this.#doubtful]
    this.#changed = new Map()
    this.#doubtful = new Set()
    try {
      while (changed.length > 0) {
        await saveLatest(this.#pool, changed.slice(-flushRowsMax))
        changed.splice(-flushRowsMax)
      }
      while (doubtful.length > 0) {
        await repairSeries(this.#pool, doubtful.slice(-flushRowsMax))
        doubtful.splice(-flushRowsMax)
      }
    } catch (error) {
      // Next time; what came in meanwhile may be newer.
      for (const row of changed) {
        const newer = this.#changed.get(row.seriesId)
        if (!newer || newer.timeMs < row.timeMs) this.#changed.set(row.seriesId, row)
      }
      for (const id of doubtful) this.#doubtful.add(id)
      throw error
    }
  }
}
