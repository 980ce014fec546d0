import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { Logger } from '@telltale/infra/log'
import type { Pool } from '@telltale/infra/storage/pool'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { Hub } from './live/hub.ts'
import type { Link } from './live/link.ts'
import type { StreamPlaces } from './live/places.ts'
import type { FleetTotals } from './live/totals.ts'
import type { SessionWatch } from './session/watch.ts'
import type { DatabaseWatch } from './system/database-watch.ts'
import type { HistoryPools } from './telemetry/pools.ts'

/** What the routes stand on. Made by main.ts, or by a test. */
export interface Deps {
  pool: Pool
  /** Whether it answers. */
  database: DatabaseWatch
  history: HistoryPools
  link: Link
  hub: Hub
  totals: FleetTotals
  sessions: SessionWatch
  places: StreamPlaces
  log: Logger
  /** Where devices connect, as people are told; no host: the one they reached us by. */
  mqtt: { host: string | null; port: number }
  /** The built dashboard; may be missing. */
  dashboardDir: string
}

/** The application as the route modules see it: schemas are types. */
export type Api = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>
