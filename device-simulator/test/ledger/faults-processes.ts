import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from '@telltale/infra/storage/pool'
import { waitFor } from '@telltale/infra/testing/wait'
import { between, type Fault } from './fault.ts'
import { signal } from './programs.ts'
import type { World } from './world.ts'

/** How long a frozen program or server stays so. */
const FROZEN_MS = [5_000, 30_000] as const

export const processFaults: readonly Fault[] = [
  {
    name: 'kill -9 of the broker',
    group: 'processes',
    endsProgram: true,
    run: ({ programs }) => programs.kill('broker'),
  },
  {
    name: 'kill -9 of the broker, three times',
    group: 'processes',
    endsProgram: true,
    async run({ programs }, random) {
      for (let i = 0; i < 3; i++) {
        if (i > 0) await sleep(between(random, 200, 3_000))
        await programs.kill('broker')
      }
    },
  },
  {
    name: 'kill -9 of the broker while it brings back what waited on its disk',
    group: 'processes',
    endsProgram: true,
    run: (world, random) => killWhileReplaying(world, between(random, 50, 600)),
  },
  {
    name: 'kill -9 of the API',
    group: 'processes',
    endsProgram: true,
    run: ({ programs }) => programs.kill('api'),
  },
  {
    name: 'kill -9 of broker and API at once',
    group: 'processes',
    endsProgram: true,
    async run({ programs }) {
      await Promise.all([programs.kill('broker'), programs.kill('api')])
    },
  },
  {
    name: 'kill -9 of the database, all of it',
    group: 'processes',
    needs: 'own server',
    run: (world, random) => killDatabase(world, between(random, 0, 8_000)),
  },
  {
    name: 'kill -9 of database and broker at once',
    group: 'processes',
    endsProgram: true,
    needs: 'own server',
    async run(world, random) {
      await Promise.all([killDatabase(world, between(random, 0, 3_000)), world.programs.kill('broker')])
    },
  },
  {
    name: 'SIGTERM of the broker',
    group: 'processes',
    endsProgram: true,
    run: ({ programs }) => programs.stop('broker'),
  },
  {
    name: 'SIGTERM of the whole product, and a new start',
    group: 'processes',
    endsProgram: true,
    run: ({ programs }) => programs.restartProduct(),
  },
  {
    name: 'SIGSTOP of the broker',
    group: 'processes',
    run: ({ programs }, random) => programs.freeze('broker', between(random, ...FROZEN_MS)),
  },
  {
    name: 'SIGSTOP of the database, all of it',
    group: 'processes',
    needs: 'own server',
    run: (world, random) => freezeDatabase(world, between(random, ...FROZEN_MS)),
  },
]

/** Long enough for the broker to keep messages on its own disk. */
const AWAY_MS = 4_000

/** Of an answer: the broker can log in, and what it brings back is on its way for long enough to be seen. */
const LATE_MS = 50
const REPLAYS_WITHIN_MS = 20_000

/** What it brings back is on its way then; it is stored, and the broker never hears of it. */
export async function killWhileReplaying(
  { databaseProxy, programs, pool }: World,
  replayMs: number,
): Promise<void> {
  databaseProxy.refuse()
  try {
    await sleep(AWAY_MS)
    databaseProxy.slow(LATE_MS)
    await waitFor('what waited on disk to be on its way', () => isStoring(pool), REPLAYS_WITHIN_MS)
    databaseProxy.holdAnswers()
    await sleep(replayMs)
    await programs.kill('broker')
  } finally {
    databaseProxy.pass()
  }
}

/** Whether the broker has a transaction open in which it stores. */
async function isStoring(pool: Pool): Promise<boolean> {
  const { rowCount } = await pool.query(
    `SELECT FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'telltale-writer' AND xact_start IS NOT NULL`,
  )
  return (rowCount ?? 0) > 0
}

/** Over when it answers again: crash recovery is the database's own time. */
export async function killDatabase({ server }: World, deadMs: number): Promise<void> {
  for (const pid of await pidsOf(server)) signal(pid, 'SIGKILL')
  await sleep(deadMs)
  await server?.ensureRunning()
}

async function pidsOf(server: World['server']): Promise<number[]> {
  const pids = (await server?.pids()) ?? []
  if (pids.length < 2) throw new Error('no database was found')
  return pids
}

async function freezeDatabase({ server }: World, ms: number): Promise<void> {
  const pids = await pidsOf(server)
  for (const pid of pids) signal(pid, 'SIGSTOP')
  try {
    await sleep(ms)
  } finally {
    for (const pid of pids) signal(pid, 'SIGCONT')
  }
}
