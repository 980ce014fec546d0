/**
 * P2: readings a second the product stores, as a share of one bare COPY into the same keyed table. The product's
 * writer sorts and splits into batches that commit apart; the bare COPY is one statement, one commit.
 */
import { limits } from '@telltale/infra/limits'
import { encodeCopy } from '@telltale/infra/storage/binary'
import { openEngine } from '@telltale/infra/storage/engine'
import type { Pool } from '@telltale/infra/storage/pool'
import { storeBatch } from '@telltale/infra/storage/telemetry'
import { copyReadings } from './copy.ts'
import { median } from './p1-ingest.ts'

const SERIES = 250
const ROWS = 1_000_000
const ROUNDS = 3
/** Far above any id the catalogue has given out: these rows belong to no device. */
const SERIES_ID_BASE = 1_000_000_000
const NOW_MINUS_MS = 30 * 60_000

export interface RowsResult {
  rows: number
  series: number
  /** In the order in which devices would send: time by time, all series at each. */
  copyArrivalOrder: number
  /** The same rows sorted by key: the friendliest order for the index. */
  copyKeyOrder: number
  /** The product's `storeBatch`, its batch size and its number of batches in flight. */
  writer: number
}

interface Rows {
  seriesIds: number[]
  timesMs: number[]
  values: number[]
}

/** Rows a second of each way, the median of alternating rounds. */
export async function runP2(pool: Pool, log: (line: string) => void): Promise<RowsResult> {
  const timed: Record<'copyArrivalOrder' | 'copyKeyOrder' | 'writer', number[]> = {
    copyArrivalOrder: [],
    copyKeyOrder: [],
    writer: [],
  }
  const startTsMs = Date.now() - NOW_MINUS_MS
  await (await openEngine(pool)).cover([startTsMs, Date.now()])
  let base = SERIES_ID_BASE
  const nextRows = () => {
    base += SERIES
    return makeRows(base, startTsMs)
  }
  for (let round = 1; round <= ROUNDS; round++) {
    timed.copyArrivalOrder.push(await timeCopy(pool, encodeCopy(nextRows(), arrivalOrder())))
    timed.copyKeyOrder.push(await timeCopy(pool, encodeCopy(nextRows(), keyOrder())))
    timed.writer.push(await timeWriter(pool, nextRows()))
    log(`P2 round ${round}: ${sayRound(timed)}`)
  }
  return {
    rows: ROWS,
    series: SERIES,
    copyArrivalOrder: median(timed.copyArrivalOrder) ?? 0,
    copyKeyOrder: median(timed.copyKeyOrder) ?? 0,
    writer: median(timed.writer) ?? 0,
  }
}

function sayRound(timed: Record<string, number[]>): string {
  return Object.entries(timed)
    .map(([way, rates]) => `${way} ${Math.round(rates.at(-1) ?? 0)} rows/s`)
    .join(', ')
}

function makeRows(seriesIdBase: number, startTsMs: number): Rows {
  const rows: Rows = { seriesIds: [], timesMs: [], values: [] }
  for (let i = 0; i < ROWS; i++) {
    rows.seriesIds.push(seriesIdBase + (i % SERIES))
    rows.timesMs.push(startTsMs + Math.floor(i / SERIES))
    rows.values.push(20 + (i % 1_000) / 100)
  }
  return rows
}

function arrivalOrder(): Float64Array {
  return Float64Array.from({ length: ROWS }, (_, place) => place)
}

function keyOrder(): Float64Array {
  const timesPerSeries = ROWS / SERIES
  return Float64Array.from({ length: ROWS }, (_, place) => {
    const series = Math.floor(place / timesPerSeries)
    return (place % timesPerSeries) * SERIES + series
  })
}

async function timeCopy(pool: Pool, bytes: Buffer): Promise<number> {
  await pool.query('CHECKPOINT')
  return ROWS / ((await copyReadings(pool, bytes)) / 1_000)
}

/** As the broker does it: batches of its size, as many in flight as it allows itself. */
async function timeWriter(pool: Pool, rows: Rows): Promise<number> {
  const { batchRowsMax, batchesInFlightMax } = limits.writer
  await pool.query('CHECKPOINT')
  let from = 0
  const startMs = performance.now()
  const storeNext = async () => {
    while (from < ROWS) {
      const numbers = slice(rows, from, from + batchRowsMax)
      from += batchRowsMax
      const texts = { seriesIds: [], timesMs: [], values: [] }
      await storeBatch(pool, { numbers, texts, rejected: [] }, { way: 'copy', late: [] })
    }
  }
  await Promise.all(Array.from({ length: batchesInFlightMax }, storeNext))
  return ROWS / ((performance.now() - startMs) / 1_000)
}

function slice(rows: Rows, from: number, to: number): Rows {
  return {
    seriesIds: rows.seriesIds.slice(from, to),
    timesMs: rows.timesMs.slice(from, to),
    values: rows.values.slice(from, to),
  }
}
