/** P7: what a stored reading costs on disk, indexes and TOAST included: as rows, compressed, and its rollups. */
import { Releases } from '@telltale/infra/service'
import type { Pool } from '@telltale/infra/storage/pool'
import { coldroom } from '../src/profiles/coldroom.ts'
import type { Values } from '../src/profiles/profile.ts'
import { seedFor } from '../src/rng.ts'
import { DAY_MS, MINUTE_MS, SECOND_MS, type Sensor } from '../src/signals.ts'
import { createFleet, loadHistory, thermometer } from './history.ts'
import { createDatabase, type Server } from './servers.ts'
import { settle } from './settle.ts'

/** What is measured, how finely and how often: it decides how well a column compresses. */
interface Kind {
  what: string
  series: number
  everyMs: number
  days: number
  sensorOf(n: number): Sensor
  /** The others show how much depends on the signal; as rows all kinds are the same. */
  hasTarget: boolean
}

const oncePerSecond = { series: 1, everyMs: SECOND_MS, days: 24 }
const KINDS: readonly Kind[] = [
  {
    ...oncePerSecond,
    what: 'outdoor temperature, 0.01 °C, 1 series at 1 Hz',
    sensorOf: thermometer,
    hasTarget: true,
  },
  {
    what: 'outdoor temperature, 0.01 °C, 20 series at 1/min',
    series: 20,
    everyMs: MINUTE_MS,
    days: 38,
    sensorOf: thermometer,
    hasTarget: true,
  },
  {
    ...oncePerSecond,
    what: 'cold room: humidity, 0.1 %, 1 series at 1 Hz',
    sensorOf: (n) => coldRoomSensor(n, (values) => values.humidity),
    hasTarget: false,
  },
  {
    ...oncePerSecond,
    what: 'cold room: power, 1 W, 1 series at 1 Hz',
    sensorOf: (n) => coldRoomSensor(n, (values) => (values.compressor as Values | undefined)?.power),
    hasTarget: false,
  },
]

/** One metric of the simulator's own cold room. */
function coldRoomSensor(n: number, pick: (values: Values) => Values[string] | undefined): Sensor {
  const { sample } = coldroom.model({ site: 1, device: seedFor(n, 'cold room') })
  return (timeMs) => {
    const value = pick(sample(timeMs))
    return typeof value === 'number' ? value : undefined
  }
}

/** Bytes a reading. */
export interface BytesResult {
  what: string
  hasTarget: boolean
  readings: number
  asRows: number
  /** Of the readings in compressed chunks; undefined where there is no columnstore. */
  compressed: number | undefined
  /** After a day rollups are compressed too, where there is a columnstore. */
  rollups: number
}

export async function runP7(
  server: Server,
  { scale, log }: { scale: number; log(line: string): void },
): Promise<BytesResult[]> {
  const results: BytesResult[] = []
  // Rows of plain PostgreSQL are the same size whatever their values.
  for (const kind of KINDS.filter(({ hasTarget }) => hasTarget || server.engine === 'timescale')) {
    const result = await measure(server, kind, { scale, log })
    const { what, asRows, compressed } = result
    log(
      `P7 ${what}: ${asRows.toFixed(1)} bytes a reading as rows, ${compressed?.toFixed(2) ?? '–'} compressed`,
    )
    results.push(result)
  }
  return results
}

/** In a database of its own: a table's size cannot be divided among its series. */
async function measure(
  server: Server,
  kind: Kind,
  { scale, log }: { scale: number; log(line: string): void },
): Promise<BytesResult> {
  const releases = new Releases()
  try {
    const database = await createDatabase(server, releases)
    const { pool } = database
    const seriesIds = await createFleet(pool, { prefix: 'd', devices: kind.series, metrics: ['value'] })
    const fromMs = Date.now() - Math.max(DAYS_MIN, kind.days * scale) * DAY_MS
    const [readings = 0] = await loadHistory(database, { groups: [{ ...kind, seriesIds }], fromMs })
    const { asRows, now } = await settle(database, log)
    return {
      what: kind.what,
      hasTarget: kind.hasTarget,
      readings,
      asRows: asRows.bytes.readings / readings,
      compressed: server.engine === 'timescale' ? await compressedBytes(pool) : undefined,
      rollups: now.bytes.rollups / readings,
    }
  } finally {
    await releases.run()
  }
}

/** A chunk is compressed when it has been over for a day, and a chunk is a week. */
const DAYS_MIN = 16

/** All that compressed chunks take, what is left of their row tables included, a reading in them. */
async function compressedBytes(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ bytes: number; readings: number }>(
    `WITH packed AS (
       SELECT c.range_end, d.total_bytes FROM timescaledb_information.chunks c
       JOIN chunks_detailed_size('reading') d USING (chunk_schema, chunk_name)
       WHERE c.hypertable_schema = current_schema() AND c.hypertable_name = 'reading' AND c.is_compressed
     )
     SELECT (SELECT sum(total_bytes) FROM packed)::float8 AS bytes,
       (SELECT count(*) FROM reading WHERE time < (SELECT max(range_end) FROM packed))::float8 AS readings`,
  )
  return (rows[0]?.bytes ?? Number.NaN) / (rows[0]?.readings ?? Number.NaN)
}
