import { finished, Readable } from 'node:stream'
import type { Pool } from '@telltale/infra/storage/pool'
import type { TimeRange } from '@telltale/infra/storage/presence'
import { type ExportedPoint, exportReadings, type SeriesRecord } from '@telltale/infra/storage/readings'
import type { FastifyReply } from 'fastify'
import { ProblemError } from '../problems.ts'

export type ExportFormat = 'text/csv' | 'application/x-ndjson'

/** Each export holds a database connection; the pool must keep enough for everybody else. */
const EXPORTS_MAX = 3
/** A client that takes nothing for so long loses the connection, and we get ours to the database back. */
const STALL_MS = 30_000

let running = 0

/** The format asked for; a browser or curl without a wish gets JSON. */
export function exportFormat(accept: string | undefined): ExportFormat | undefined {
  const wanted = accept?.split(',').map((type) => type.split(';')[0]?.trim().toLowerCase())
  return (['text/csv', 'application/x-ndjson'] as const).find((format) => wanted?.includes(format))
}

export interface ExportRequest extends TimeRange {
  deviceId: string
  series: SeriesRecord[]
  format: ExportFormat
  stallMs?: number
}

/** Streams the readings; the database is asked for the next chunk when the client has taken the last one. */
export function sendExport(pool: Pool, request: ExportRequest, reply: FastifyReply): FastifyReply {
  if (running >= EXPORTS_MAX) throw new ProblemError('too_many_exports')
  running++
  const { raw } = reply
  const stallMs = request.stallMs ?? STALL_MS
  const lines = Readable.from(
    chunks(pool, request, (isClientsTurn) => raw.setTimeout(isClientsTurn ? stallMs : 0)),
  )
  lines.once('close', () => running--)
  raw.once('timeout', () => raw.destroy())
  // Also when it is gone already.
  finished(raw, () => lines.destroy())
  const extension = request.format === 'text/csv' ? 'csv' : 'ndjson'
  return reply
    .header('content-type', `${request.format}; charset=utf-8`)
    .header('content-disposition', `attachment; filename="${request.deviceId}.${extension}"`)
    .header('cache-control', 'no-store')
    .send(lines)
}

/** `onTurn(true)` when the client has something to take, `onTurn(false)` when the database is asked for more. */
async function* chunks(
  pool: Pool,
  request: ExportRequest,
  onTurn: (isClientsTurn: boolean) => void,
): AsyncGenerator<string> {
  const { series, from, to, format } = request
  const byId = new Map(series.map((entry) => [entry.id, entry]))
  const toLine = format === 'text/csv' ? csvLine : jsonLine
  if (format === 'text/csv') yield 'time,metric,value\r\n'
  onTurn(false)
  for await (const points of exportReadings(pool, { seriesIds: series.map(({ id }) => id), from, to })) {
    onTurn(true)
    yield points.map((point) => toLine(byId.get(point.seriesId) as SeriesRecord, point)).join('')
    onTurn(false)
  }
  // Of what was written last, some may still wait for the client.
  onTurn(true)
}

function readValue(
  { kind }: SeriesRecord,
  { number, text }: ExportedPoint,
): number | boolean | string | null {
  // A metric that changed its type has readings of both.
  return text ?? (kind === 'boolean' ? number !== 0 : number)
}

function jsonLine(series: SeriesRecord, point: ExportedPoint): string {
  return `${JSON.stringify({ time: point.t, metric: series.metric, value: readValue(series, point) })}\n`
}

function csvLine(series: SeriesRecord, point: ExportedPoint): string {
  const time = new Date(point.t).toISOString()
  return `${time},${csvCell(series.metric)},${csvCell(readValue(series, point))}\r\n`
}

/**
 * RFC 4180 quoting. Text that a spreadsheet would run as a formula gets a leading apostrophe (OWASP, CSV injection);
 * numbers stay numbers, negative ones too.
 */
export function csvCell(value: number | boolean | string | null): string {
  if (typeof value !== 'string') return String(value ?? '')
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
