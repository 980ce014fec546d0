import type { StatusReport } from '@telltale/infra/storage/sessions'
import type { RejectedRow } from '@telltale/infra/storage/telemetry'
import type { Message } from '../batch.ts'
import type { ReplyPayload } from '../contract/index.ts'
import type { Reading } from '../telemetry.ts'

/** What a device was answered for and the database does not have yet. Times are epoch milliseconds. */
export type SpoolRecord =
  | { kind: 'message'; message: KeptMessage; lastDeletion: number }
  | { kind: 'reply'; reply: KeptReply }
  | { kind: 'status'; report: StatusReport }

export type KeptMessage = Omit<Message, 'stored' | 'lastDeletion'>

export interface KeptReply {
  deviceId: string
  commandId: string
  payload: ReplyPayload
}

/** One line of JSON, the letters of its fields short: there are millions of them. */
interface Line {
  m?: KeptLine
  r?: KeptReply
  s?: { e: number; s: 'online' | 'offline'; a: number }
}

interface KeptLine {
  d: string
  /** The newest deletion the broker knew of. */
  k: number
  t: number
  b: number
  v: Reading[]
  /** Places of −0, which JSON writes as 0: reading, value, reading, value … */
  z?: number[]
  /** The payload in base64. */
  x?: Omit<RejectedRow, 'payload' | 'deviceId'> & { p: string }
}

export function encodeRecord(record: SpoolRecord): Buffer {
  return Buffer.from(JSON.stringify(toLine(record)))
}

/** @throws when a newer version wrote it */
export function decodeRecord(bytes: Buffer): SpoolRecord {
  const line = JSON.parse(bytes.toString('utf8')) as Line
  if (line.m) return { kind: 'message', message: toMessage(line.m), lastDeletion: line.m.k }
  if (line.r) return { kind: 'reply', reply: line.r }
  if (line.s) {
    const { e: epoch, s: status, a: at } = line.s
    return { kind: 'status', report: { epoch, status, at: new Date(at) } }
  }
  throw new Error('the spool holds a record of an unknown kind; a newer Telltale wrote it')
}

function toLine(record: SpoolRecord): Line {
  switch (record.kind) {
    case 'message':
      return { m: { ...fromMessage(record.message), k: record.lastDeletion } }
    case 'reply':
      return { r: record.reply }
    case 'status': {
      const { epoch, status, at } = record.report
      return { s: { e: epoch, s: status, a: at.getTime() } }
    }
  }
}

function fromMessage({
  deviceId,
  receivedAtMs,
  payloadBytes,
  readings,
  rejected,
}: KeptMessage): Omit<KeptLine, 'k'> {
  const line: Omit<KeptLine, 'k'> = { d: deviceId, t: receivedAtMs, b: payloadBytes, v: readings }
  const zeros = negativeZeros(readings)
  if (zeros.length > 0) line.z = zeros
  if (rejected) {
    const { payload, deviceId: _same, ...rest } = rejected
    line.x = { ...rest, p: payload.toString('base64') }
  }
  return line
}

function toMessage({
  d: deviceId,
  t: receivedAtMs,
  b: payloadBytes,
  v: readings,
  z: zeros,
  x,
}: KeptLine): KeptMessage {
  for (let i = 0; zeros && i < zeros.length; i += 2) {
    const values = readings[zeros[i] as number]?.values
    if (values) values[zeros[i + 1] as number] = -0
  }
  let rowCount = x ? 1 : 0
  for (const { metrics } of readings) rowCount += metrics.length
  const message = { deviceId, receivedAtMs, payloadBytes, readings, rowCount }
  if (!x) return { ...message, rejected: undefined }
  const { p, ...rest } = x
  return { ...message, rejected: { ...rest, deviceId, payload: Buffer.from(p, 'base64') } }
}

function negativeZeros(readings: Reading[]): number[] {
  const places: number[] = []
  for (let i = 0; i < readings.length; i++) {
    const values = (readings[i] as Reading).values
    for (let j = 0; j < values.length; j++) if (values[j] === 0 && Object.is(values[j], -0)) places.push(i, j)
  }
  return places
}
