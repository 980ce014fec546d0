import { limits } from '@telltale/infra/limits'
import type { TimeRange } from '@telltale/infra/storage/presence'
import type { SeriesRecord } from '@telltale/infra/storage/readings'
import type { FastifyRequest } from 'fastify'
import { FleetReadings, FleetReadingsQuery, Readings, ReadingsQuery } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { parseDeviceIds } from '../devices/ids.ts'
import { DeviceParams } from '../devices/routes.ts'
import { ProblemError } from '../problems.ts'
import { principalOf } from '../session/guard.ts'
import { exportFormat, sendExport } from './export.ts'
import { type History, readHistory } from './history.ts'
import { inSnapshot } from './pools.ts'
import { parseMetrics, selectSeries } from './selection.ts'
import { checkBuckets, parseBucket, parseRange } from './time.ts'

const EXPORTS = 'text/csv and application/x-ndjson stream every reading of any range'

export function readingsRoutes(app: Api, deps: Deps): void {
  app.get(
    '/devices/:id/readings',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['telemetry'],
        summary: `Readings as columns; ${EXPORTS}`,
        params: DeviceParams,
        querystring: ReadingsQuery,
        response: { 200: Readings },
      },
    },
    async (request, reply) => {
      const deviceId = request.params.id
      const asked = parseQuery(request)
      const series = await selectSeries(deps.pool, [deviceId], asked.metrics)
      reply.header('vary', 'accept')
      const { format } = asked
      if (format) {
        const watch = (onEnd: () => void) => deps.sessions.add(principalOf(request), onEnd)
        const file = { fileName: deviceId, namesDevice: false }
        return sendExport(deps.history, { ...asked, format, series, ...file, watch }, reply) as never
      }
      const { columns, ...history } = await readSeries(deps, asked, series)
      return { deviceId, ...history, series: nameColumns(series, columns) }
    },
  )

  app.get(
    '/readings',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['telemetry'],
        summary: `Readings of several devices on one axis of time; ${EXPORTS}`,
        querystring: FleetReadingsQuery,
        response: { 200: FleetReadings },
      },
    },
    async (request, reply) => {
      const { all, ids } = parseDeviceIds(request.query.devices, limits.history.devicesMax)
      if (all) throw new ProblemError('invalid_request', { fields: [NO_WILDCARD] })
      const asked = parseQuery(request)
      const series = await selectSeries(deps.pool, ids, asked.metrics)
      reply.header('vary', 'accept')
      const { format } = asked
      if (format) {
        const watch = (onEnd: () => void) => deps.sessions.add(principalOf(request), onEnd)
        const file = { fileName: 'readings', namesDevice: true }
        return sendExport(deps.history, { ...asked, format, series, ...file, watch }, reply) as never
      }
      const { columns, ...history } = await readSeries(deps, asked, series)
      const items = ids.map((deviceId) => {
        const own = series.filter((one) => one.deviceId === deviceId)
        return { deviceId, series: nameColumns(own, columns) }
      })
      return { ...history, items }
    },
  )
}

const NO_WILDCARD = { path: 'query/devices', message: 'must name each device: * is for latest values only' }
const RAW_ONLY = { path: 'query/bucket', message: 'must be raw or left out: exports hold every reading' }

interface Asked extends TimeRange {
  format: ReturnType<typeof exportFormat>
  metrics: string[] | undefined
  bucket: number | 'auto' | 'raw'
  maxPoints: number
}

function parseQuery({ headers, query }: FastifyRequest<{ Querystring: ReadingsQuery }>): Asked {
  const format = exportFormat(headers.accept, query.format)
  const range = parseRange(
    { from: query.from ?? 'now-15m', to: query.to ?? 'now' },
    format && Number.POSITIVE_INFINITY,
  )
  const bucket = parseBucket(query.bucket ?? 'auto')
  if (typeof bucket === 'number') {
    if (format) throw new ProblemError('invalid_range', { fields: [RAW_ONLY] })
    const { bucketsMax, rawBucketDaysMax: rawDaysMax } = limits.history
    checkBuckets(range, bucket, { bucketsMax, rawDaysMax })
  }
  return { ...range, format, bucket, metrics: parseMetrics(query.metrics), maxPoints: query.maxPoints ?? 500 }
}

async function readSeries(
  { history }: Deps,
  { from, to, bucket, maxPoints }: Asked,
  series: SeriesRecord[],
): Promise<TimeRange & History> {
  const found = await history.turns.run(() =>
    inSnapshot(history.charts, (db) => readHistory(db, { series, from, to, bucket, maxPoints })),
  )
  return { from, to, ...found }
}

/** Metric names are the device's choice, `__proto__` included: fromEntries defines, never assigns. */
function nameColumns(series: SeriesRecord[], columns: History['columns']): Readings['series'] {
  return Object.fromEntries(
    series.flatMap(({ id, metric }) => {
      const column = columns.get(id)
      return column ? [[metric, column]] : []
    }),
  )
}
