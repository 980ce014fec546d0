/**
 * P1 with the sessions in Redis, as several brokers need it. Held against the same broker with its sessions in its own
 * folder, in turns: mosquitto's own figure varies more than the difference that is looked for.
 */
import type { Releases } from '@telltale/infra/service'
import { type Clock, runTelltale, SHAPES, type Shape } from './p1-ingest.ts'
import { type Rounds, runRounds } from './rounds.ts'
import type { Database } from './servers.ts'
import { cpuOf, makeLoadDevices, startBrokerFor, startRedis, type Target } from './stack.ts'

export const REDIS_SIDES = ['own folder', 'Redis'] as const

export interface RedisShape {
  shape: Shape
  /** Of the two sides. */
  rounds: Rounds
}

interface Plan {
  pairs: number
  seconds: number
  releases: Releases
  log(line: string): void
}

export async function runP1Redis(database: Database, plan: Plan): Promise<RedisShape[]> {
  const { pairs: rounds, seconds, releases, log } = plan
  const devices = Math.max(...SHAPES.map(({ connections }) => connections))
  const credentialsFile = await makeLoadDevices(database, { devices, releases })
  const { target: folder } = await startBrokerFor(credentialsFile, database, { releases })
  const targets: Target[] = [folder, await startWithRedis(credentialsFile, database, releases)]
  const clock: Clock = { lastTsMs: 0 }
  const results: RedisShape[] = []
  for (const shape of SHAPES) {
    const sides = targets.map((telltale, i) => ({
      name: `sessions in ${REDIS_SIDES[i]}`,
      run: () => runTelltale({ telltale, pool: database.pool }, { shape, seconds, clock }),
    }))
    const what = `P1 with Redis, ${shape.connections} × ${shape.window}`
    results.push({ shape, rounds: await runRounds(sides, { what, rounds, log }) })
  }
  return results
}

async function startWithRedis(
  credentialsFile: string,
  database: Database,
  releases: Releases,
): Promise<Target> {
  const redis = await startRedis(releases)
  const env = { TELLTALE_REDIS_URL: redis.url, TELLTALE_BROKER_ID: 'bench-redis' }
  const { broker, target } = await startBrokerFor(credentialsFile, database, { releases, env })
  const cpu = cpuOf(database, { broker: broker.program.process, redis: redis.process })
  return { ...target, cpu }
}
