/** The real product with everything around it that a fault takes hold of. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Releases } from '@telltale/infra/service'
import { createPool, type Pool } from '@telltale/infra/storage/pool'
import { type CuttingProxy, startCuttingProxy } from '@telltale/infra/testing/cutting-proxy'
import { type DatabaseProxy, startDatabaseProxy } from '@telltale/infra/testing/database-proxy'
import { createSite, type Product, type Site, startProduct } from '@telltale/infra/testing/product'
import { startTestRedis, type TestRedis } from '@telltale/infra/testing/redis'
import { newCredential, registerDevices } from '../../bench/stack.ts'
import type { Load } from './load.ts'
import { deviceIdOf } from './messages.ts'
import { type OwnServer, openDatabase } from './own-database.ts'
import type { Programs } from './programs.ts'
import type { Said } from './said.ts'

export interface World {
  readonly site: Site
  readonly programs: Programs
  /** Between the product and its database. */
  readonly databaseProxy: DatabaseProxy
  /** Past the proxy: for looking, and for what an administrator does. */
  readonly pool: Pool
  /** The database's server, when it belongs to the run alone. */
  readonly server: OwnServer | undefined
  readonly redis: TestRedis | undefined
  /** Between the devices and the broker; absent when no fault needs it. */
  readonly cuttingProxy: CuttingProxy | undefined
  readonly load: Load
  /** What the broker tells of itself. */
  readonly said: Said
  /** To stderr, with the time. */
  say(line: string): void
}

/** All of the world but the load and what looks after the programs. */
export interface Stage {
  site: Site
  databaseProxy: DatabaseProxy
  pool: Pool
  server: OwnServer | undefined
  redis: TestRedis | undefined
  cuttingProxy: CuttingProxy | undefined
  /** Where devices connect. */
  port: number
  /** Starts the product, again after it was stopped. */
  start(): Product
}

export interface StagePlan {
  folder: string
  seed: number
  serverUrl: string | undefined
  withRedis: boolean
  withCuttingProxy: boolean
  /** For the product, besides its addresses. */
  env?: Record<string, string>
}

const COMPARE_TIMEOUT_MS = 600_000

/**
 * A device that is cut off again and again comes back more often than any real one, and many lose their connections
 * in one second: the ledger is about losing nothing, not about who is held off.
 */
const PATIENCE = { TELLTALE_DEVICE_CONNECTS_PER_MINUTE: '10000' }

export async function openStage(plan: StagePlan, releases: Releases): Promise<Stage> {
  const { folder, seed, serverUrl, withRedis, withCuttingProxy, env } = plan
  await mkdir(folder, { recursive: true })
  const database = await openDatabase({ serverUrl, folder }, releases)
  const databaseProxy = await startDatabaseProxy(database.url)
  releases.add('database proxy', () => databaseProxy.close())
  const pool = createPool({
    url: database.url,
    name: 'ledger',
    max: 4,
    statementTimeoutMs: COMPARE_TIMEOUT_MS,
  })
  releases.add('pool', () => pool.end())
  const redis = withRedis ? await startTestRedis() : undefined
  if (redis) releases.add('Redis', () => redis.stop())
  const site = await createSite()
  releases.add('data folder of the product', () => site.remove())
  const cuttingProxy = withCuttingProxy ? await startCuttingProxy({ seed, targets: [site.mqtt] }) : undefined
  if (cuttingProxy) releases.add('cutting proxy', () => cuttingProxy.close())
  const settings = {
    TELLTALE_DATABASE_URL: databaseProxy.url,
    ...(redis && { TELLTALE_REDIS_URL: redis.url }),
    ...PATIENCE,
    ...env,
  }
  return {
    ...{ site, databaseProxy, pool, server: database.server, redis, cuttingProxy },
    port: cuttingProxy?.port ?? site.mqtt,
    start: () => startProduct(site, { args: ['--no-demo'], env: settings }),
  }
}

/** Registered, with a secret each. */
export async function makeDevices(pool: Pool, count: number): Promise<string[]> {
  const credentials = Array.from({ length: count }, (_, device) => newCredential(deviceIdOf(device)))
  await registerDevices(pool, credentials)
  return credentials.map(({ secret }) => secret)
}

export function logsOf(site: Site): string {
  return join(site.dataDir, 'logs')
}
