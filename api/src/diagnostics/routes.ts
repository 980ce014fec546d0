import { causeOf } from '@telltale/broker/contract'
import { limits } from '@telltale/infra/limits'
import { existingDevices } from '@telltale/infra/storage/devices'
import { listProblems, type ProblemRecord } from '@telltale/infra/storage/problems'
import { Type } from 'typebox'
import {
  type ConnectionProblem,
  DeviceDiagnostics,
  FleetProblem,
  Page,
  PageQuery,
} from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { DeviceParams } from '../devices/routes.ts'
import { CursorTime, decodeCursor, toPage } from '../paging.ts'
import { ProblemError } from '../problems.ts'
import { mayActAs } from '../session/authenticate.ts'
import { principalOf } from '../session/guard.ts'

const PageKey = Type.Tuple([CursorTime, Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })])

export function diagnosticsRoutes(app: Api, { pool }: Deps): void {
  app.get(
    '/devices/:id/diagnostics',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['devices'],
        summary: 'The last connection problems of a device and the limits it hit, newest first',
        description: 'For an id that is not registered only an admin gets them.',
        params: DeviceParams,
        response: { 200: DeviceDiagnostics },
      },
    },
    async (request) => {
      const { id } = request.params
      const isRegistered = (await existingDevices(pool, [id])).size > 0
      if (!isRegistered && !mayActAs(principalOf(request).role, 'admin'))
        throw new ProblemError('device_not_found')
      const rows = await listProblems(pool, { deviceId: id, limit: limits.problems.perDeviceMax })
      if (!isRegistered && rows.length === 0) throw new ProblemError('device_not_found')
      return { items: rows.map(toConnectionProblem) }
    },
  )

  app.get(
    '/diagnostics',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['system'],
        summary: 'The last connection problems of all clients, unknown ones too, newest first',
        querystring: PageQuery,
        response: { 200: Page(FleetProblem) },
      },
    },
    async ({ query: { limit = 50, cursor } }) => {
      const [lastAt, id] = decodeCursor<[string, number]>(cursor, PageKey) ?? []
      const before = lastAt !== undefined && id !== undefined ? { lastAt, id } : undefined
      const rows = await listProblems(pool, { limit: limit + 1, before })
      return toPage(rows, limit, {
        item: (row) => ({
          deviceId: row.deviceId,
          registered: row.registered,
          ...toConnectionProblem(row),
        }),
        key: (row) => [row.lastAt, row.id],
      })
    },
  )
}

function toConnectionProblem(row: ProblemRecord): ConnectionProblem {
  const { code, detail, address, clientId, count, firstAt, limit } = row
  const what = { code, cause: causeOf(code), detail, address, clientId }
  return { id: String(row.id), at: row.lastAt, firstAt, count, ...what, ...(limit && { limit }) }
}
