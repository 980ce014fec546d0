/**
 * Cost must grow as it should: the same measurements with a hundred times the devices, and with a hundred times the
 * history. Inserting through the product's writer, reading through its HTTP API.
 */
import { limits } from '@telltale/infra/limits'
import { Releases } from '@telltale/infra/service'
import { openEngine } from '@telltale/infra/storage/engine'
import type { Pool } from '@telltale/infra/storage/pool'
import { type Rows, storeBatch } from '@telltale/infra/storage/telemetry'
import { DAY_MS, MINUTE_MS } from '../src/signals.ts'
import { createFleet, loadHistory, thermometer } from './history.ts'
import { type Latency, latencyOf, timeRequests } from './requests.ts'
import { createDatabase, type Database, type Server } from './servers.ts'
import { settle, untilQuiet } from './settle.ts'
import { startProduct } from './stack.ts'

const METRICS = ['temperature', 'humidity', 'pressure', 'co2', 'battery']
/** What a battery-driven sensor does. */
const MESSAGE_EVERY_MS = 15 * MINUTE_MS
const PREFIX = 'd'

export interface Point {
  factor: number
  devices: number
  days: number
}

export interface Measured extends Point {
  readings: number
  insertUsPerRow: number
  /** Tells a longer log from longer ways through the index. */
  walBytesPerRow: number
  latestOne: Latency
  latestFifty: Latency
  chart: Latency
}

export interface SweepResult {
  /** More of them, with a day of history each. */
  devices: Measured[]
  /** Of twenty devices. */
  history: Measured[]
}

const FACTORS = [1, 10, 100]

/** @param scale of the full sizes, for trying out */
export function sweepPlan(scale: number): Record<keyof SweepResult, Point[]> {
  return {
    devices: FACTORS.map((factor) => ({ factor, devices: Math.ceil(100 * factor * scale), days: 1 })),
    history: FACTORS.map((factor) => ({ factor, devices: 20, days: Math.max(1, 3 * factor * scale) })),
  }
}

interface Plan {
  scale: number
  log(line: string): void
}

export async function runSweep(server: Server, plan: Plan): Promise<SweepResult> {
  const points = sweepPlan(plan.scale)
  const devices: Measured[] = []
  for (const point of points.devices) devices.push(await measure(server, point, plan))
  const history: Measured[] = []
  for (const point of points.history) history.push(await measure(server, point, plan))
  return { devices, history }
}

async function measure(server: Server, point: Point, { log }: Plan): Promise<Measured> {
  const releases = new Releases()
  try {
    const database = await createDatabase(server, releases)
    const { devices, days } = point
    const seriesIds = await createFleet(database.pool, { prefix: PREFIX, devices, metrics: METRICS })
    const group = { seriesIds, everyMs: MESSAGE_EVERY_MS, sensorOf: thermometer }
    const fromMs = Date.now() - days * DAY_MS
    const [readings = 0] = await loadHistory(database, { groups: [group], fromMs })
    await settle(database, () => {})
    const reading = await timeReading(database, devices)
    const result = { ...point, readings, ...reading, ...(await timeInserts(database, seriesIds)) }
    log(`sweep ${devices} devices, ${days} days, ${readings} readings: ${say(result)}`)
    return result
  } finally {
    await releases.run()
  }
}

function say({ insertUsPerRow, latestOne, latestFifty, chart }: Measured): string {
  const ms = (latency: Latency) => `${latency.p50Ms.toFixed(1)} ms`
  return `${insertUsPerRow.toFixed(2)} µs a row, latest ${ms(latestOne)} and ${ms(latestFifty)}, chart ${ms(chart)}`
}

const REQUESTS = 100
const LATEST_DEVICES = 50
/** Has no divisor in common with the numbers of devices, so that requests go through all of them. */
const STRIDE = 37

/** Each request is for other devices, as people's are. */
async function timeReading(
  database: Database,
  devices: number,
): Promise<Pick<Measured, 'latestOne' | 'latestFifty' | 'chart'>> {
  const releases = new Releases()
  try {
    const { api } = await startProduct(database, { devices: 0, releases })
    await untilQuiet(database.pool)
    const name = (n: number) => `${PREFIX}${((n * STRIDE) % devices) + 1}`
    const fifty = Math.min(LATEST_DEVICES, devices)
    const names = (n: number) => Array.from({ length: fifty }, (_, i) => name(n + i)).join(',')
    return {
      latestOne: await timeRequests(api, REQUESTS, (n) => `/devices/${name(n)}/latest`),
      latestFifty: await timeRequests(api, REQUESTS, (n) => `/latest?devices=${names(n)}`),
      chart: await timeRequests(
        api,
        REQUESTS,
        (n) => `/devices/${name(n)}/readings?metrics=temperature&from=now-1d`,
      ),
    }
  } finally {
    await releases.run()
  }
}

const BATCHES = 100
/** A page's first change after a checkpoint writes all of it to the log: at least one row of each series before. */
const WARM_UP_BATCHES_MIN = 10

/** Batches of the size a busy broker makes, one after the other, their rows spread over all devices. */
async function timeInserts(
  { pool }: Database,
  seriesIds: number[],
): Promise<Pick<Measured, 'insertUsPerRow' | 'walBytesPerRow'>> {
  const size = limits.writer.batchRowsMax
  const startTsMs = Date.now()
  await (await openEngine(pool)).cover([startTsMs, startTsMs + DAY_MS])
  await pool.query('CHECKPOINT')
  const warmUp = Math.max(WARM_UP_BATCHES_MIN, Math.ceil(seriesIds.length / size))
  const tookMs: number[] = []
  let walStart = 0
  for (let batch = 0; batch < warmUp + BATCHES; batch++) {
    if (batch === warmUp) walStart = await walBytes(pool)
    const numbers = makeBatch(seriesIds, { first: batch * size, size, startTsMs })
    const texts = { seriesIds: [], timesMs: [], values: [] }
    const startMs = performance.now()
    await storeBatch(pool, { numbers, texts, rejected: [] }, { way: 'copy', late: [] })
    if (batch >= warmUp) tookMs.push(performance.now() - startMs)
  }
  const written = (await walBytes(pool)) - walStart
  return {
    insertUsPerRow: (latencyOf(tookMs).p50Ms / size) * 1_000,
    walBytesPerRow: written / (BATCHES * size),
  }
}

/** Written by the whole server since it was made. */
async function walBytes(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ bytes: number }>(
    `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS bytes`,
  )
  return rows[0]?.bytes ?? Number.NaN
}

/** One row of each series in turn, a millisecond later each round. */
function makeBatch(
  seriesIds: number[],
  { first, size, startTsMs }: { first: number; size: number; startTsMs: number },
): Rows<number> {
  const rows: Rows<number> = { seriesIds: [], timesMs: [], values: [] }
  for (let place = first; place < first + size; place++) {
    rows.seriesIds.push(seriesIds[place % seriesIds.length] as number)
    rows.timesMs.push(startTsMs + Math.floor(place / seriesIds.length))
    rows.values.push(20 + (place % 1_000) / 100)
  }
  return rows
}
