import { existingDevices } from '@telltale/infra/storage/devices'
import { listRejected } from '@telltale/infra/storage/rejected'
import { Type } from 'typebox'
import { Page, PageQuery, RejectedMessage } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { DeviceParams } from '../devices/routes.ts'
import { decodeCursor, toPage } from '../paging.ts'
import { ProblemError } from '../problems.ts'
import { showBytes } from './show-bytes.ts'

const PageKey = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

export function rejectedRoutes(app: Api, { pool }: Deps): void {
  app.get(
    '/devices/:id/rejected',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['telemetry'],
        summary: 'Messages that could not be read, newest first',
        params: DeviceParams,
        querystring: PageQuery,
        response: { 200: Page(RejectedMessage) },
      },
    },
    async ({ params: { id }, query: { limit = 50, cursor } }) => {
      const before = decodeCursor<number>(cursor, PageKey)
      if ((await existingDevices(pool, [id])).size === 0) throw new ProblemError('device_not_found')
      const rows = await listRejected(pool, id, { limit: limit + 1, before })
      return toPage(rows, limit, {
        item: (row) => ({ ...row, id: String(row.id), payload: showBytes(row.payload) }),
        key: (row) => row.id,
      })
    },
  )
}
