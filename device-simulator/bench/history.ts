/** Years of readings made in a minute: what the simulator's sensors would have sent, by COPY. */
import { encodeCopy } from '@telltale/infra/storage/binary'
import { type Engine, openEngine } from '@telltale/infra/storage/engine'
import type { Pool } from '@telltale/infra/storage/pool'
import { keepChunkInterval } from '@telltale/infra/storage/timescale-policies'
import { outdoorTemperature } from '../src/profiles/profile.ts'
import { seedFor } from '../src/rng.ts'
import { DAY_MS, noise, type Sensor, sensor, sum } from '../src/signals.ts'
import { copyReadings } from './copy.ts'
import type { Database } from './servers.ts'

/** Series that send at the same times. */
export interface Group {
  seriesIds: number[]
  everyMs: number
  /** Of the n-th series. */
  sensorOf(n: number): Sensor
}

/** Half-open, epoch milliseconds. */
interface Span {
  fromMs: number
  toMs: number
}

const SITE_SEED = 3

/** A thermometer outside: day, weather, noise and now and then a fault; a hundredth of a degree, as our profiles. */
export function thermometer(n: number): Sensor {
  const air = sum(outdoorTemperature(SITE_SEED), noise(seedFor(n, 'noise'), 0.04))
  return sensor(seedFor(n, 'sensor'), air, { decimals: 2, spike: 30 })
}

/** A catalogue entry for each metric of each device; ids in the order of devices, then metrics. */
export async function createFleet(
  pool: Pool,
  fleet: { prefix: string; devices: number; metrics: readonly string[] },
): Promise<number[]> {
  const { prefix, devices, metrics } = fleet
  await pool.query(
    'INSERT INTO device (id, name) SELECT $1 || n, $1 || n FROM generate_series(1, $2::int) AS n',
    [prefix, devices],
  )
  const { rows } = await pool.query<{ id: number }>(
    `INSERT INTO series (device_id, metric, kind)
     SELECT $1 || n, metric, 'number'
     FROM generate_series(1, $2::int) AS n CROSS JOIN unnest($3::text[]) WITH ORDINALITY AS m (metric, place)
     ORDER BY n, place RETURNING id`,
    [prefix, devices, metrics],
  )
  return rows.map(({ id }) => id)
}

/** Readings of one COPY: small enough that making the next ones does not keep the database waiting. */
const SLICE_READINGS = 50_000
const COPIES_AT_ONCE = 3
/** Loaded first, so that TimescaleDB's chunks get the width they would have had from the second day on. */
const PRESENT_MS = 2 * DAY_MS

/** All readings of the groups from `fromMs` to now; how many of each. */
export async function loadHistory(
  { pool }: Database,
  { groups, fromMs }: { groups: Group[]; fromMs: number },
): Promise<number[]> {
  const engine = await openEngine(pool)
  const nowMs = Date.now()
  const presentMs = Math.max(fromMs, nowMs - PRESENT_MS)
  const present = await loadSpan(pool, engine, { groups, span: { fromMs: presentMs, toMs: nowMs } })
  if (engine.name === 'timescale') await keepChunkInterval(pool)
  const past = await loadSpan(pool, engine, { groups, span: { fromMs, toMs: presentMs } })
  return present.map((readings, n) => readings + (past[n] ?? 0))
}

async function loadSpan(
  pool: Pool,
  engine: Engine,
  plan: { groups: Group[]; span: Span },
): Promise<number[]> {
  const { fromMs, toMs } = plan.span
  const days = Math.max(0, Math.ceil((toMs - fromMs) / DAY_MS)) + 1
  await engine.cover(Array.from({ length: days }, (_, n) => Math.min(toMs, fromMs + n * DAY_MS)))
  const loaded: number[] = []
  for (const group of plan.groups) loaded.push(await loadGroup(pool, group, plan.span))
  return loaded
}

async function loadGroup(pool: Pool, group: Group, span: Span): Promise<number> {
  const slices = makeSlices(group, span)
  let readings = 0
  const copyNext = async () => {
    for (let next = slices.next(); !next.done; next = slices.next()) {
      const rows = next.value
      // Made series by series: the order of the key already.
      await copyReadings(pool, encodeCopy(rows, Float64Array.from(rows.values.keys())))
      readings += rows.values.length
    }
  }
  await Promise.all(Array.from({ length: COPIES_AT_ONCE }, copyNext))
  return readings
}

type Rows = Parameters<typeof encodeCopy>[0]

/** Piece by piece of time, each series by series. */
function* makeSlices(group: Group, { fromMs, toMs }: Span): Generator<Rows> {
  const { seriesIds, everyMs } = group
  const sensors = seriesIds.map((_, n) => group.sensorOf(n))
  const pieceMs = Math.max(1, Math.floor(SLICE_READINGS / seriesIds.length)) * everyMs
  const firstMs = Math.ceil(fromMs / everyMs) * everyMs
  for (let startMs = firstMs; startMs < toMs; startMs += pieceMs) {
    const endMs = Math.min(toMs, startMs + pieceMs)
    const rows: Rows = { seriesIds: [], timesMs: [], values: [] }
    for (const [n, seriesId] of seriesIds.entries())
      for (let timeMs = startMs; timeMs < endMs; timeMs += everyMs) {
        const value = sensors[n]?.(timeMs)
        if (value === undefined) continue
        rows.seriesIds.push(seriesId)
        rows.timesMs.push(timeMs)
        rows.values.push(value)
      }
    yield rows
  }
}
