import { createHash } from 'node:crypto'
import { existingDevices } from '@telltale/infra/storage/devices'
import { readLatest } from '@telltale/infra/storage/latest-values'
import type { Pool } from '@telltale/infra/storage/pool'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Latest } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { type DeviceSelection, parseDeviceIds } from '../devices/ids.ts'
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
      return sendTagged(request, reply, await latestText(pool, { all: false, ids: [id] }))
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
      return sendTagged(request, reply, `{"items":[${await latestText(pool, { all, ids })}]}`)
    },
  )
}

/** Devices asked for by name are there even without a value; then all others, when all were asked for. */
async function latestText(pool: Pool, { all, ids }: DeviceSelection): Promise<string> {
  const found = new Map(await readLatest(pool, all ? null : ids))
  const deviceIds = new Set([...ids, ...found.keys()])
  const items = [...deviceIds].map(
    (id) => `{"deviceId":${JSON.stringify(id)},"values":{${found.get(id) ?? ''}}}`,
  )
  return items.join(',')
}

/** RFC 9110 §13.1.2. The tag is of the content, so it holds across restarts and instances. */
function sendTagged(request: FastifyRequest, reply: FastifyReply, text: string): FastifyReply {
  const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"`
  reply.header('etag', etag).header('cache-control', 'private, no-cache')
  const known = request.headers['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  if (known?.includes(etag) || known?.includes('*')) return reply.code(304).send()
  return reply.type('application/json; charset=utf-8').serializer(String).send(text)
}
