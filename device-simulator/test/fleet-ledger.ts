/** What a fleet says it sent, compared with what the database holds. */
import { parseTopic } from '@telltale/broker/contract'
import type { Pool } from '@telltale/infra/storage/pool'
import type { Printed } from './simulator.ts'

/** `device metric time` → value; booleans as the 0 and 1 they are stored as. */
type Readings = Map<string, string | number>

/** The broker keeps this much of a message it cannot read. */
const REJECTED_BYTES = 4 * 1024

interface Comparison {
  /** Telemetry messages of which nothing is in the database: not as readings, not as rejected. */
  missing: Printed[]
  /** Stored readings nobody sent, or with another value than was sent. */
  invented: string[]
  stored: number
  rejected: number
}

export async function compare(pool: Pool, messages: Printed[]): Promise<Comparison> {
  const telemetry = messages.filter(({ topic }) => parseTopic(topic).kind === 'telemetry')
  const ids = [...new Set(telemetry.map(({ deviceId }) => deviceId))]
  const stored = await readStored(pool, ids)
  const rejected = await readRejected(pool, ids)
  const sent: Readings = new Map(telemetry.flatMap((message) => [...readingsOf(message)]))
  return {
    missing: telemetry.filter((message) => {
      const readings = [...readingsOf(message)]
      const isStored = readings.length > 0 && readings.every(([key, value]) => stored.get(key) === value)
      return !isStored && !rejected.has(rejectedKey(message.deviceId, Buffer.from(message.payload)))
    }),
    invented: [...stored].filter(([key, value]) => sent.get(key) !== value).map(([key]) => key),
    stored: stored.size,
    rejected: rejected.size,
  }
}

/** Empty when the payload is no telemetry at all. */
function readingsOf({ deviceId, payload }: Printed): Readings {
  const readings: Readings = new Map()
  for (const { ts, values } of parse(payload))
    for (const [metric, value] of flatten(values))
      readings.set(`${deviceId} ${metric} ${ts}`, typeof value === 'boolean' ? Number(value) : value)
  return readings
}

type Parsed = { ts: number; values: Record<string, unknown> }

function parse(payload: string): Parsed[] {
  try {
    const parsed = JSON.parse(payload) as Parsed | Parsed[]
    return [parsed].flat().filter(({ ts, values }) => typeof ts === 'number' && typeof values === 'object')
  } catch {
    return []
  }
}

type Leaf = string | number | boolean

function flatten(values: Record<string, unknown>, prefix = ''): [metric: string, value: Leaf][] {
  return Object.entries(values).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null
      ? flatten(value as Record<string, unknown>, `${prefix}${name}.`)
      : [[prefix + name, value as Leaf] as [string, Leaf]],
  )
}

async function readStored(pool: Pool, ids: string[]): Promise<Readings> {
  const { rows } = await pool.query<{ key: string; number: number | null; text: string | null }>(
    `SELECT s.device_id || ' ' || s.metric || ' ' || (extract(epoch FROM r.time) * 1000)::bigint AS key,
       r.number, r.text
     FROM series s JOIN (
       SELECT series_id, time, value AS number, NULL AS text FROM reading
       UNION ALL SELECT series_id, time, NULL, value FROM reading_text
     ) r ON r.series_id = s.id
     WHERE s.device_id = ANY($1)`,
    [ids],
  )
  return new Map(rows.map(({ key, number, text }) => [key, number ?? text ?? '']))
}

async function readRejected(pool: Pool, ids: string[]): Promise<Set<string>> {
  const { rows } = await pool.query<{ device_id: string; payload: Buffer }>(
    'SELECT device_id, payload FROM rejected_message WHERE device_id = ANY($1)',
    [ids],
  )
  return new Set(rows.map(({ device_id, payload }) => rejectedKey(device_id, payload)))
}

function rejectedKey(deviceId: string, payload: Buffer): string {
  return `${deviceId} ${payload.subarray(0, REJECTED_BYTES).toString('hex')}`
}
