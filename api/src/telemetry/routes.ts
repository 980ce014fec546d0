import { existingDevices } from '@telltale/infra/storage/devices'
import { findSeries } from '@telltale/infra/storage/readings'
import { Readings, ReadingsQuery } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { DeviceParams } from '../devices/routes.ts'
import { ProblemError } from '../problems.ts'
import { readColumns } from './columns.ts'
import { exportFormat, sendExport } from './export.ts'
import { parseBucket, parseRange } from './time.ts'

const METRICS_MAX = 256

export function readingsRoutes(app: Api, { pool }: Deps): void {
  app.get(
    '/devices/:id/readings',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['telemetry'],
        summary: 'Readings as columns; text/csv and application/x-ndjson stream every reading of any range',
        params: DeviceParams,
        querystring: ReadingsQuery,
        response: { 200: Readings },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const { metrics, from = 'now-15m', to = 'now', bucket = 'auto', maxPoints = 500 } = request.query
      const format = exportFormat(request.headers.accept)
      const range = parseRange({ from, to }, format && Number.POSITIVE_INFINITY)
      const width = parseBucket(bucket)
      if ((await existingDevices(pool, [id])).size === 0) throw new ProblemError('device_not_found')
      const series = await findSeries(pool, id, parseMetrics(metrics))
      reply.header('vary', 'accept')
      if (!format)
        return { deviceId: id, ...(await readColumns(pool, { ...range, series, bucket: width, maxPoints })) }
      if (typeof width === 'number') throw new ProblemError('invalid_range', { fields: [RAW_ONLY] })
      return sendExport(pool, { ...range, deviceId: id, series, format }, reply) as never
    },
  )
}

const RAW_ONLY = { path: 'query/bucket', message: 'must be raw or left out: exports hold every reading' }

function parseMetrics(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined
  const metrics = [...new Set(text.split(',').map((metric) => metric.trim()))].filter(Boolean)
  if (metrics.length <= METRICS_MAX) return metrics
  const fields = [{ path: 'query/metrics', message: `names more than ${METRICS_MAX} metrics` }]
  throw new ProblemError('invalid_request', { fields })
}
