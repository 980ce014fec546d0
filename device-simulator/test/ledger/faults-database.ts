import { setTimeout as sleep } from 'node:timers/promises'
import { between, type Fault } from './fault.ts'
import type { World } from './world.ts'

const AWAY_MS = [1_000, 20_000] as const
/** Of one answer; reliability.md names two seconds. */
const SLOW_MS = 2_000

export const databaseFaults: readonly Fault[] = [
  {
    name: 'the database refuses connections',
    group: 'database',
    run: (world, random) => whileProxy(world, ({ refuse }) => refuse(), between(random, ...AWAY_MS)),
  },
  {
    name: 'the database is frozen',
    group: 'database',
    run: (world, random) => whileProxy(world, ({ freeze }) => freeze(), between(random, ...AWAY_MS)),
  },
  {
    name: 'the database answers 2 s late',
    group: 'database',
    run: (world, random) => whileProxy(world, ({ slow }) => slow(SLOW_MS), between(random, ...AWAY_MS)),
  },
  {
    name: "the database's answers are held, then delivered",
    group: 'database',
    run: (world, random) =>
      whileProxy(world, ({ holdAnswers }) => holdAnswers(), between(random, 200, 6_000)),
  },
  {
    name: "the database's answers are lost with their connections",
    group: 'database',
    async run(world, random) {
      for (let i = 0; i < 5; i++) {
        if (i > 0) await sleep(between(random, 50, 1_000))
        world.databaseProxy.holdAnswers()
        await sleep(between(random, 50, 1_000))
        // What was asked has been done, and nobody was told.
        world.databaseProxy.refuse()
        await sleep(between(random, 50, 500))
        world.databaseProxy.pass()
      }
    },
  },
  {
    name: 'backends are terminated at random moments',
    group: 'database',
    async run(world, random) {
      let terminated = 0
      for (let i = 0; i < 20; i++) {
        if (i > 0) await sleep(between(random, 10, 400))
        terminated += await terminateSome(world, random())
      }
      if (terminated === 0) throw new Error('no backend was found')
    },
  },
]

export async function whileProxy(
  { databaseProxy }: World,
  harm: (proxy: World['databaseProxy']) => void,
  ms: number,
): Promise<void> {
  harm(databaseProxy)
  try {
    await sleep(ms)
  } finally {
    databaseProxy.pass()
  }
}

/** Of the product's connections, about this share; ours stay. @returns how many */
export async function terminateSome({ pool }: World, share: number): Promise<number> {
  const { rowCount } = await pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name LIKE 'telltale-%'
       AND application_name <> 'telltale-ledger' AND random() < $1`,
    [share],
  )
  return rowCount ?? 0
}
