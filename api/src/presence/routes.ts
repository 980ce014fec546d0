import { existingDevices } from '@telltale/infra/storage/devices'
import { connectedMs, listSessions } from '@telltale/infra/storage/presence'
import { Type } from 'typebox'
import { PresenceHistory } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { DeviceParams } from '../devices/routes.ts'
import { ProblemError } from '../problems.ts'
import { parseRange } from '../telemetry/time.ts'

const SESSIONS_MAX = 500

export function presenceRoutes(app: Api, { pool }: Deps): void {
  app.get(
    '/devices/:id/presence',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['presence'],
        summary: 'Connection sessions, newest first, and the share of the range connected',
        params: DeviceParams,
        querystring: Type.Object({
          from: Type.Optional(Type.String({ default: 'now-24h' })),
          to: Type.Optional(Type.String({ default: 'now' })),
        }),
        response: { 200: PresenceHistory },
      },
    },
    async ({ params: { id }, query: { from = 'now-24h', to = 'now' } }) => {
      const range = parseRange({ from, to })
      if ((await existingDevices(pool, [id])).size === 0) throw new ProblemError('device_not_found')
      const sessions = await listSessions(pool, id, { ...range, limit: SESSIONS_MAX + 1 })
      const uptimeMs = await connectedMs(pool, id, range)
      return {
        deviceId: id,
        ...range,
        uptimePercent: uptimePercent(uptimeMs, range),
        sessions: sessions.slice(0, SESSIONS_MAX),
        truncated: sessions.length > SESSIONS_MAX,
      }
    },
  )
}

/** The future part of a range has not happened: it counts neither way. */
function uptimePercent(uptimeMs: number, { from, to }: { from: number; to: number }): number {
  const pastMs = Math.min(to, Date.now()) - from
  return pastMs <= 0 ? 0 : Math.min(100, (100 * uptimeMs) / pastMs)
}
