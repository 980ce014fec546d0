import { finished, Readable } from 'node:stream'
import { limits } from '@telltale/infra/limits'
import { type ExportedPoint, exportReadings } from '@telltale/infra/storage/export'
import type { TimeRange } from '@telltale/infra/storage/presence'
import type { SeriesRecord } from '@telltale/infra/storage/readings'
import type { FastifyReply } from 'fastify'
import { ProblemError } from '../problems.ts'
import { csvCell } from './cells.ts'
import type { HistoryPools } from './pools.ts'

export type ExportFormat = 'text/csv' | 'application/x-ndjson'

let running = 0

const namedFormats = { csv: 'text/csv', ndjson: 'application/x-ndjson' } as const

/** The format asked for by name or by Accept; a browser or curl without a wish gets JSON. */
export function exportFormat(
  accept: string | undefined,
  named: keyof typeof namedFormats | undefined,
): ExportFormat | undefined {
  if (named !== undefined) return namedFormats[named]
  const wanted = accept?.split(',').map((type) => type.split(';')[0]?.trim().toLowerCase())
  return (['text/csv', 'application/x-ndjson'] as const).find((format) => wanted?.includes(format))
}

export interface ExportRequest extends TimeRange {
  series: SeriesRecord[]
  format: ExportFormat
  /** Without its extension. */
  fileName: string
  /** Each line says of which device it is. */
  namesDevice: boolean
  stallMs?: number
  /** Calls back when whoever asked may no more; what it returns ends the watch. */
  watch: (onEnd: () => void) => () => void
}

/** Streams the readings; the database is asked for the next slice when the client has taken the last one. */
export function sendExport(history: HistoryPools, request: ExportRequest, reply: FastifyReply): FastifyReply {
  if (running >= limits.exports.atOnceMax) throw new ProblemError('too_many_exports')
  running++
  const { raw } = reply
  const stallMs = request.stallMs ?? limits.exports.stallMs
  const onTurn = (isClientsTurn: boolean) => raw.setTimeout(isClientsTurn ? stallMs : 0)
  // One slice waits for the client, not sixteen.
  const lines = Readable.from(chunks(history, request, onTurn), { highWaterMark: 1 })
  lines.once('close', () => running--)
  raw.once('timeout', () => raw.destroy())
  const unwatch = request.watch(() => raw.destroy())
  // Also when it is gone already.
  finished(raw, () => {
    unwatch()
    lines.destroy()
  })
  const extension = request.format === 'text/csv' ? 'csv' : 'ndjson'
  return reply
    .header('content-type', `${request.format}; charset=utf-8`)
    .header('content-disposition', `attachment; filename="${request.fileName}.${extension}"`)
    .header('cache-control', 'no-store')
    .send(lines)
}

/** `onTurn(true)` when the client has something to take, `onTurn(false)` when the database is asked for more. */
async function* chunks(
  { exports, turns }: HistoryPools,
  { format, namesDevice, ...request }: ExportRequest,
  onTurn: (isClientsTurn: boolean) => void,
): AsyncGenerator<string> {
  const toLine = (format === 'text/csv' ? csvLines : jsonLines)(request.series, namesDevice)
  if (format === 'text/csv') yield namesDevice ? 'time,deviceId,metric,value\r\n' : 'time,metric,value\r\n'
  onTurn(false)
  const turn = <T>(work: () => Promise<T>) => turns.run(work, limits.exports.waitMs)
  for await (const points of exportReadings(exports, request, turn)) {
    onTurn(true)
    yield points.map(toLine).join('')
    onTurn(false)
  }
  // Of what was written last, some may still wait for the client.
  onTurn(true)
}

type ToLine = (point: ExportedPoint) => string

/** What is the same in every line of a series is made once. */
function jsonLines(series: SeriesRecord[], namesDevice: boolean): ToLine {
  const middles = new Map(
    series.map(({ id, deviceId, metric }) => {
      const device = namesDevice ? `,"deviceId":${JSON.stringify(deviceId)}` : ''
      return [id, `${device},"metric":${JSON.stringify(metric)},"value":`]
    }),
  )
  const kinds = kindsOf(series)
  return (point) =>
    `{"time":${toMs(point)}${middles.get(point[0])}${JSON.stringify(readValue(kinds, point))}}\n`
}

function csvLines(series: SeriesRecord[], namesDevice: boolean): ToLine {
  const middles = new Map(
    series.map(({ id, deviceId, metric }) => {
      const device = namesDevice ? `,${csvCell(deviceId)}` : ''
      return [id, `${device},${csvCell(metric)},`]
    }),
  )
  const kinds = kindsOf(series)
  return (point) =>
    `${new Date(toMs(point)).toISOString()}${middles.get(point[0])}${csvCell(readValue(kinds, point))}\r\n`
}

function kindsOf(series: SeriesRecord[]): Map<number, SeriesRecord['kind']> {
  return new Map(series.map(({ id, kind }) => [id, kind]))
}

function toMs([, timeUs]: ExportedPoint): number {
  return Math.round(timeUs / 1_000)
}

function readValue(
  kinds: Map<number, SeriesRecord['kind']>,
  [id, , number, text]: ExportedPoint,
): number | boolean | string | null {
  // A metric that changed its type has readings of both.
  return text ?? (kinds.get(id) === 'boolean' ? number !== 0 : number)
}
