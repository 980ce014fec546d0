import { limits } from '@telltale/infra/limits'
import { listBrokerSettings } from '@telltale/infra/storage/broker-settings'
import type { Pool } from '@telltale/infra/storage/pool'
import { timescaleState } from '@telltale/infra/storage/timescale-install'
import { Settings } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'

export function settingsRoutes(app: Api, { pool }: Deps): void {
  app.get(
    '/settings',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['system'],
        summary: 'What the running brokers were started with, and the database; never a secret',
        response: { 200: Settings },
      },
    },
    async () => {
      const [brokers, database] = await Promise.all([
        listBrokerSettings(pool, limits.cluster.forgottenAfterMs),
        describeDatabase(pool),
      ])
      return { brokers, database }
    },
  )
}

async function describeDatabase(pool: Pool): Promise<Settings['database']> {
  const { rows } = await pool.query<{ version: string }>(
    `SELECT current_setting('server_version') AS version`,
  )
  const { isInstalled, extensionVersion } = await timescaleState(pool)
  return {
    engine: isInstalled ? 'timescale' : 'plain',
    serverVersion: rows[0]?.version ?? '',
    extensionVersion: isInstalled ? extensionVersion : null,
  }
}
