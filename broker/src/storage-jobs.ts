import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import type { Releases } from '@telltale/infra/service'
import { workOnDeletions } from '@telltale/infra/storage/deletions'
import type { Engine } from '@telltale/infra/storage/engine'
import type { Pool } from '@telltale/infra/storage/pool'
import { trimRejected } from '@telltale/infra/storage/telemetry'
import type { BrokerConfig } from './config.ts'
import { repeat } from './repeat.ts'

/**
 * What keeps the database in shape while readings come in: room ahead, retention, rollups, deletions. Every broker
 * runs it; locks in the database let one work at a time.
 */
export class StorageJobs {
  readonly #deps: { pool: Pool; engine: Engine; config: BrokerConfig; log: Logger }

  constructor(deps: { pool: Pool; engine: Engine; config: BrokerConfig; log: Logger }) {
    this.#deps = deps
  }

  makeRoom(): Promise<void> {
    const { engine, config } = this.#deps
    return engine.maintain({
      nowMs: Date.now(),
      retentionDays: config.TELLTALE_RETENTION_DAYS,
      backfillDays: config.TELLTALE_BACKFILL_DAYS,
    })
  }

  start(releases: Releases): void {
    const { pool, engine, log } = this.#deps
    const maintain = async () => {
      await this.makeRoom()
      await trimRejected(pool, limits.rejected.perDeviceMax)
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
