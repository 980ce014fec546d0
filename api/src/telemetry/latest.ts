import { createHash } from 'node:crypto'
import { existingDevices } from '@telltale/infra/storage/devices'
import { type LatestRecord, readLatest } from '@telltale/infra/storage/readings'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Latest } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { parseDeviceIds } from '../devices/ids.ts'
import { DeviceParams } from '../devices/routes.ts'
import { ProblemError } from '../problems.ts'

/** As many ids as a URL holds comfortably; `*` asks for the whole fleet. */
const IDS_MAX = 1_000

export function latestRoutes(app: Api, { pool }: Deps): void {
  app.get(
    '/devices/:id/latest',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['telemetry'],
        summary: 'Newest value per metric by event time; answers 304 to a matching If-None-Match',
        params: DeviceParams,
        response: { 200: Latest },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      if ((await existingDevices(pool, [id])).size === 0) throw new ProblemError('device_not_found')
      const [latest] = groupByDevice([id], await readLatest(pool, [id]))
      return sendTagged(request, reply, latest)
    },
  )

  app.get(
    '/latest',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['telemetry'],
        summary: 'Newest values of several devices, or of all with devices=*',
        querystring: Type.Object({ devices: Type.String({ maxLength: 65_536 }) }),
        response: { 200: Type.Object({ items: Type.Array(Latest) }) },
      },
    },
    async (request, reply) => {
      const { all, ids } = parseDeviceIds(request.query.devices, IDS_MAX)
      const known = await existingDevices(pool, ids)
      if (known.size < ids.length) throw new ProblemError('device_not_found')
      const items = groupByDevice(ids, await readLatest(pool, all ? null : ids))
      return sendTagged(request, reply, { items })
    },
  )
}

function groupByDevice(ids: string[], rows: LatestRecord[]): Latest[] {
  const byDevice = new Map<string, [string, { value: number | boolean | string; time: number }][]>()
  for (const id of ids) byDevice.set(id, [])
  for (const row of rows) {
    const value = row.text ?? (row.kind === 'boolean' ? row.number !== 0 : (row.number ?? 0))
    const entry: [string, { value: number | boolean | string; time: number }] = [
      row.metric,
      { value, time: row.t },
    ]
    const entries = byDevice.get(row.deviceId)
    if (entries) entries.push(entry)
    else byDevice.set(row.deviceId, [entry])
  }
  // fromEntries defines properties: a metric called `__proto__` is one like any other.
  return [...byDevice].map(([deviceId, entries]) => ({ deviceId, values: Object.fromEntries(entries) }))
}

/** RFC 9110 §13.1.2. The tag is of the content, so it holds across restarts and instances. */
function sendTagged(request: FastifyRequest, reply: FastifyReply, body: unknown): FastifyReply {
  const text = JSON.stringify(body)
  const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"`
  reply.header('etag', etag).header('cache-control', 'private, no-cache')
  const known = request.headers['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  if (known?.includes(etag) || known?.includes('*')) return reply.code(304).send()
  return reply.type('application/json; charset=utf-8').serializer(String).send(text)
}
