import { listAudit } from '@telltale/infra/storage/audit'
import { Type } from 'typebox'
import { AuditEntry, AuditQuery, Page } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { decodeCursor, toPage } from '../paging.ts'
import { parseInstant } from '../telemetry/time.ts'

const PageKey = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })

export function auditRoutes(app: Api, { pool }: Deps): void {
  app.get(
    '/audit',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['audit'],
        summary: 'Who did what, newest first',
        querystring: AuditQuery,
        response: { 200: Page(AuditEntry) },
      },
    },
    async ({ query: { limit = 50, cursor, from, to, ...filter } }) => {
      const now = Date.now()
      const rows = await listAudit(
        pool,
        {
          ...filter,
          fromMs: from === undefined ? undefined : parseInstant('query/from', from, now),
          toMs: to === undefined ? undefined : parseInstant('query/to', to, now),
        },
        { limit: limit + 1, before: decodeCursor<number>(cursor, PageKey) },
      )
      return toPage(rows, limit, { item: (entry) => entry, key: ({ id }) => id })
    },
  )
}
