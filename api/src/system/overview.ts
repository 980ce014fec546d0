import { RejectedSummary, SystemNow } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { version } from '../version.ts'
import { RateHistory } from './rate-history.ts'
import { Rejections } from './rejections.ts'

/** As often as the brokers tell their totals. */
const LOOK_MS = 1_000

/** What the System page shows beside readiness. */
export function systemOverviewRoutes(app: Api, deps: Deps): void {
  const startedAt = Date.now()
  const history = new RateHistory(deps.totals)
  const rejections = new Rejections(deps.pool)
  const timer = setInterval(() => history.look(), LOOK_MS)
  app.addHook('onClose', async () => clearInterval(timer))

  app.get(
    '/system',
    {
      config: { role: 'viewer', isFromMemory: true },
      schema: {
        tags: ['system'],
        summary: 'What the parts of the platform say of themselves, and half an hour of what came in',
        response: { 200: SystemNow },
      },
    },
    () => ({
      api: {
        startedAt,
        version,
        nodeVersion: process.version,
        rssBytes: process.memoryUsage.rss(),
        liveConnections: deps.places.open,
      },
      brokers: deps.totals.brokers().map((broker) => ({
        brokerId: broker.brokerId,
        startedAt: broker.startedAt,
        nodeVersion: broker.nodeVersion ?? null,
        aedesVersion: broker.aedesVersion ?? null,
        rssBytes: broker.rssBytes ?? null,
        connections: broker.connectionsBy ?? [],
        acknowledged: broker.acknowledgedTotal ?? null,
        stored: broker.messagesTotal,
        spool: broker.spool ?? null,
        rejected: broker.rejectedTotal,
      })),
      history: history.read(),
    }),
  )

  app.get(
    '/system/rejected',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['system'],
        summary: 'Why messages were rejected in the last day, by kind of reason; of those that are kept',
        response: { 200: RejectedSummary },
      },
    },
    () => rejections.read(),
  )
}
