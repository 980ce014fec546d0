import { listDeletions } from '@telltale/infra/storage/deletions'
import { Type } from 'typebox'
import { Deletion, Page, PageQuery } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { decodeCursor, toPage } from '../paging.ts'

const PageKey = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })

export function deletionRoutes(app: Api, { pool }: Deps): void {
  app.get(
    '/deletions',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['devices'],
        summary: 'Deleted devices, newest first, and how far the removal of their readings is',
        querystring: PageQuery,
        response: { 200: Page(Deletion) },
      },
    },
    async ({ query: { limit = 50, cursor } }) => {
      const before = decodeCursor<number>(cursor, PageKey)
      const rows = await listDeletions(pool, { limit: limit + 1, before })
      return toPage(rows, limit, {
        item: ({ id, ...row }) => ({ id: String(id), ...row }),
        key: (row) => row.id,
      })
    },
  )
}
