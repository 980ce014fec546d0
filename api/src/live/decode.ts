import type { Value } from '@telltale/broker/contract'
import type { ReadingEvent } from './events.ts'

/** Nothing that was stored is deeper; what is, is not walked. */
const DEPTH_MAX = 16

/** The stored, stamped JSON of `…/telemetry`: one reading or an array of them, flattened to dotted metrics. */
export function decodeReadings(deviceId: string, payload: Buffer): ReadingEvent[] {
  const body: unknown = JSON.parse(payload.toString())
  const readings = Array.isArray(body) ? body : [body]
  return readings.flatMap((reading) => toEvent(deviceId, reading))
}

function toEvent(deviceId: string, reading: unknown): ReadingEvent[] {
  const { ts, values } = (reading ?? {}) as { ts?: unknown; values?: unknown }
  if (typeof ts !== 'number' || !Number.isFinite(ts) || typeof values !== 'object' || values === null)
    return []
  const flat = new Map<string, Value>()
  flatten(values, { prefix: '', depth: 0, flat })
  // Names are the device's choice, `__proto__` included: fromEntries defines, never assigns.
  return [{ type: 'reading', data: { deviceId, time: Math.round(ts), values: Object.fromEntries(flat) } }]
}

function flatten(values: object, into: { prefix: string; depth: number; flat: Map<string, Value> }): void {
  for (const [key, value] of Object.entries(values)) {
    const metric = into.prefix + key
    if (isValue(value)) into.flat.set(metric, value)
    else if (typeof value === 'object' && value !== null && !Array.isArray(value) && into.depth < DEPTH_MAX)
      flatten(value, { prefix: `${metric}.`, depth: into.depth + 1, flat: into.flat })
  }
}

function isValue(value: unknown): value is Value {
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string'
}
