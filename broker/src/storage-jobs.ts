import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import type { Releases } from '@telltale/infra/service'
import { workOnDeletions } from '@telltale/infra/storage/deletions'
import type { Engine } from '@telltale/infra/storage/engine'
import type { Pool } from '@telltale/infra/storage/pool'
import { databaseNow } from '@telltale/infra/storage/rollups'
import { trimRejected } from '@telltale/infra/storage/telemetry'
import type { BrokerConfig } from './config.ts'
import { repeat } from './repeat.ts'

/**
 * What keeps the database in shape while readings come in: room ahead, retention, rollups, deletions. Every broker
 * runs it; locks in the database let one work at a time. They may take long, so their pool is their own.
 */
export class StorageJobs {
  readonly #deps: { pool: Pool; engine: Engine; config: BrokerConfig; log: Logger }

  constructor(deps: { pool: Pool; engine: Engine; config: BrokerConfig; log: Logger }) {
    this.#deps = deps
  }

  start(releases: Releases): void {
    const { pool, engine, config, log } = this.#deps
    const maintain = async () => {
      await engine.makeRoom(Date.now())
      await trimRejected(pool, limits.rejected.perDeviceMax)
      await engine.maintain({
        nowMs: await databaseNow(pool),
        retentionDays: config.TELLTALE_RETENTION_DAYS,
        backfillDays: config.TELLTALE_BACKFILL_DAYS,
      })
    }
    repeat(releases, log, {
      what: 'storage maintenance',
      everyMs: limits.broker.maintenanceMs,
      work: maintain,
    })
    repeat(releases, log, { what: 'rollups', everyMs: limits.rollups.everyMs, work: () => engine.rollUp() })
    const remove = () => workOnDeletions(pool, engine)
    repeat(releases, log, {
      what: 'removal of deleted devices',
      everyMs: limits.deletions.everyMs,
      work: remove,
    })
  }
}
