/**
 * One, two and three brokers on one database and one Redis: what more brokers bring, and what it costs when somebody at
 * one of them watches devices of the others. All run all the time; those that no device uses are idle.
 */
import { topics } from '@telltale/broker/contract'
import type { Releases } from '@telltale/infra/service'
import { registerIntegration } from '@telltale/infra/testing/broker'
import { type Clock, FIFTY_BY_FIFTY, type Run, runTelltale } from './p1-ingest.ts'
import { type Rounds, runRounds } from './rounds.ts'
import type { Database } from './servers.ts'
import {
  cpuOf,
  LOAD_DEVICE_PREFIX,
  makeLoadDevices,
  type Product,
  startBrokerFor,
  startRedis,
  type Target,
} from './stack.ts'
import { openWatcher } from './watcher.ts'

const BROKERS_MAX = 3
export const COUNTS = Array.from({ length: BROKERS_MAX }, (_, i) => i + 1)

/** The second device: with two brokers or three it is at the second one, while the watcher is at the first. */
const WATCHED = `${LOAD_DEVICE_PREFIX}2`

const AUDIENCES = [
  { who: 'nobody', filter: undefined },
  { who: `one device of ${FIFTY_BY_FIFTY.connections}`, filter: topics.telemetry(WATCHED) },
  { who: 'every device', filter: topics.telemetry('+') },
]

export interface WatchedRounds {
  who: string
  isWatched: boolean
  /** Of each number of brokers. */
  rounds: Rounds
  /** Number of brokers → messages that reached the subscriber ÷ those acknowledged, round after round. */
  received: number[][]
}

interface Plan {
  pairs: number
  seconds: number
  releases: Releases
  log(line: string): void
}

export async function runBrokers(database: Database, plan: Plan): Promise<WatchedRounds[]> {
  const { pairs: rounds, seconds, log } = plan
  const { targets, watcherPort } = await startAll(database, plan.releases)
  const account = await registerIntegration(database.pool, 'bench', { read: true, write: false })
  const clock: Clock = { lastTsMs: 0 }
  const run = (telltale: Target) =>
    runTelltale({ telltale, pool: database.pool }, { shape: FIFTY_BY_FIFTY, seconds, clock })
  const results: WatchedRounds[] = []
  for (const { who, filter } of AUDIENCES) {
    const received = COUNTS.map((): number[] => [])
    const runWatched = async (telltale: Target, place: number): Promise<Run> => {
      if (filter === undefined) return run(telltale)
      const watcher = await openWatcher({ port: watcherPort, ...account }, filter)
      const result = await run(telltale)
      received[place]?.push(watcher.received / result.ackedTotal)
      watcher.leave()
      return result
    }
    const sides = targets.map((target, i) => ({ name: target.name, run: () => runWatched(target, i) }))
    const what = `brokers, watched: ${who}`
    const done = await runRounds(sides, { what, rounds, log })
    results.push({ who, isWatched: filter !== undefined, rounds: done, received })
  }
  return results
}

/** As many targets as there are brokers: the first, the first two, and so on. */
async function startAll(
  database: Database,
  releases: Releases,
): Promise<{ targets: Target[]; watcherPort: number }> {
  const credentialsFile = await makeLoadDevices(database, {
    devices: FIFTY_BY_FIFTY.connections,
    releases,
  })
  const redis = await startRedis(releases)
  const products: Product[] = []
  for (const n of COUNTS) {
    const env = { TELLTALE_REDIS_URL: redis.url, TELLTALE_BROKER_ID: `bench-${n}` }
    products.push(await startBrokerFor(credentialsFile, database, { releases, env }))
  }
  const named = products.map(({ broker }, i) => [`broker ${i + 1}`, broker.program.process])
  const targets = COUNTS.map((count): Target => {
    const children = { ...Object.fromEntries(named.slice(0, count)), redis: redis.process, watcher: process }
    return {
      name: count === 1 ? '1 broker' : `${count} brokers`,
      ports: products.slice(0, count).map(({ broker }) => broker.port),
      credentialsFile,
      cpu: cpuOf(database, children),
    }
  })
  return { targets, watcherPort: products[0]?.broker.port ?? 0 }
}
