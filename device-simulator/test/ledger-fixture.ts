/** A small ledger with books and a database, for tests that put something wrong into it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEngine } from '@telltale/infra/storage/engine'
import type { Pool } from '@telltale/infra/storage/pool'
import { Book, Marks } from './ledger/book.ts'
import { type Comparison, compare, type Ledger } from './ledger/compare.ts'
import { deviceIdOf, type Kind, kindOf, messageOf, qosOf, type Script } from './ledger/messages.ts'

const DEVICES = 2
const MESSAGES = 200
/** By name: the first message of each kind and of the first device that is acknowledged. */
type Numbers = Record<Kind, number>

export interface SmallLedger {
  script: Script
  first: Numbers
  /** Of the first device, sent and stored but not acknowledged. */
  unacknowledged: number
  /** As if the first device had sent them twice. */
  repeat(...numbers: number[]): void
  compare(): Promise<Comparison>
  remove(): Promise<void>
}

/** Two devices, some hundred messages: all in the books, all stored as the product would. */
export async function fillSmallLedger(pool: Pool): Promise<SmallLedger> {
  const folder = await mkdtemp(join(tmpdir(), 'telltale-ledger-test-'))
  const script: Script = { seed: 7, baseMs: Date.now() - 60_000, strideMs: 50, unreadableEvery: 64 }
  const ledger: Ledger = {
    ...{ script, devices: DEVICES },
    ...{ sentPath: join(folder, 'sent'), ackedPath: join(folder, 'acked'), repeated: new Marks() },
  }
  const [sent, acked] = [await Book.create(ledger.sentPath), await Book.create(ledger.ackedPath)]
  // Of both ends: a week may begin within the minute.
  const starts = [script.baseMs, script.baseMs - 2 * 86_400_000]
  await (await openEngine(pool)).cover(starts.flatMap((startMs) => [startMs, startMs + 60_000]))
  const readings: StoredReading[] = []
  for (let device = 0; device < DEVICES; device++) {
    await pool.query('INSERT INTO device (id, name) VALUES ($1, $1)', [deviceIdOf(device)])
    for (let n = 0; n < MESSAGES; n++) {
      sent.add(device, n, n * script.strideMs)
      if (qosOf(device, n) > 0) acked.add(device, n, n * script.strideMs + 5)
      if (kindOf(script, device, n) !== 'unreadable') readings.push(...readingsOf(script, device, n))
      else await storeRejected(pool, device, messageOf(script, device, n).payload)
    }
  }
  await storeReadings(pool, readings)
  await Promise.all([sent.close(), acked.close()])
  return {
    script,
    first: firstOfEach(script),
    unacknowledged: Array.from({ length: MESSAGES }, (_, n) => n).find((n) => qosOf(0, n) === 0) ?? -1,
    repeat: (...numbers) => {
      for (const n of numbers) ledger.repeated.add(0, n)
    },
    compare: () => compare(pool, ledger),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

function firstOfEach(script: Script): Numbers {
  const first: Partial<Numbers> = {}
  for (let n = MESSAGES - 1; n >= 0; n--) if (qosOf(0, n) > 0) first[kindOf(script, 0, n)] = n
  return first as Numbers
}

function readingsOf(script: Script, device: number, n: number): StoredReading[] {
  const { metric, payload } = messageOf(script, device, n)
  const nowMs = script.baseMs + 30_000 + n
  if (metric !== undefined)
    return [{ device, metric, timeMs: nowMs, value: metric === 'note' ? payload : Number(payload) }]
  type Element = { ts?: number; values?: Record<string, unknown> }
  return [JSON.parse(payload) as Element | Element[]].flat().flatMap((element) =>
    flatten(element.values ?? (element as Record<string, unknown>)).map(([name, value]) => {
      return { device, metric: name, timeMs: element.ts ?? nowMs, value }
    }),
  )
}

function flatten(values: Record<string, unknown>, prefix = ''): [string, number | string][] {
  return Object.entries(values).flatMap(([name, value]): [string, number | string][] => {
    if (typeof value === 'object') return flatten(value as Record<string, unknown>, `${prefix}${name}.`)
    return [[prefix + name, typeof value === 'boolean' ? Number(value) : (value as number | string)]]
  })
}

export interface StoredReading {
  device: number
  metric: string
  timeMs: number
  value: number | string
}

export async function storeReadings(pool: Pool, readings: readonly StoredReading[]): Promise<void> {
  for (const [table, type] of [
    ['reading', 'number'],
    ['reading_text', 'string'],
  ] as const) {
    const rows = readings.filter(({ value }) => typeof value === type)
    await pool.query(
      `WITH given AS (
         SELECT * FROM unnest($1::text[], $2::text[], $3::float8[], $4::text[]) AS g (device_id, metric, ms, value)
       ), made AS (
         INSERT INTO series (device_id, metric, kind) SELECT DISTINCT device_id, metric, $5 FROM given
         ON CONFLICT (device_id, metric) DO UPDATE SET kind = series.kind RETURNING id, device_id, metric
       )
       INSERT INTO ${table} (series_id, time, value)
       SELECT id, to_timestamp(ms / 1000), value::${type === 'number' ? 'float8' : 'text'}
       FROM given JOIN made USING (device_id, metric)`,
      [
        rows.map(({ device }) => deviceIdOf(device)),
        rows.map(({ metric }) => metric),
        rows.map(({ timeMs }) => timeMs),
        rows.map(({ value }) => String(value)),
        type,
      ],
    )
  }
}

export async function storeRejected(pool: Pool, device: number, payload: string): Promise<void> {
  await pool.query(
    `INSERT INTO rejected_message (device_id, received_at, topic, reason, payload, payload_bytes)
     VALUES ($1, now(), 'telemetry', 'not JSON', $2, $3)`,
    [deviceIdOf(device), Buffer.from(payload), payload.length],
  )
}
