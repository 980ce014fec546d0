import { setTimeout as sleep } from 'node:timers/promises'
import { between, type Fault } from './fault.ts'
import { signal } from './programs.ts'
import type { World } from './world.ts'

/** How long a frozen program or server stays so. */
const FROZEN_MS = [5_000, 30_000] as const

export const processFaults: readonly Fault[] = [
  {
    name: 'kill -9 of the broker',
    group: 'processes',
    run: ({ programs }) => programs.kill('broker'),
  },
  {
    name: 'kill -9 of the broker, three times',
    group: 'processes',
    async run({ programs }, random) {
      for (let i = 0; i < 3; i++) {
        await programs.kill('broker')
        await sleep(between(random, 200, 3_000))
      }
    },
  },
  {
    name: 'kill -9 of the API',
    group: 'processes',
    run: ({ programs }) => programs.kill('api'),
  },
  {
    name: 'kill -9 of broker and API at once',
    group: 'processes',
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
    needs: 'own server',
    async run(world, random) {
      await Promise.all([killDatabase(world, between(random, 0, 3_000)), world.programs.kill('broker')])
    },
  },
  {
    name: 'SIGTERM of the broker',
    group: 'processes',
    run: ({ programs }) => programs.stop('broker'),
  },
  {
    name: 'SIGTERM of the whole product, and a new start',
    group: 'processes',
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

/** Over when it answers again: crash recovery is the database's own time. */
export async function killDatabase({ server }: World, deadMs: number): Promise<void> {
  for (const pid of (await server?.pids()) ?? []) signal(pid, 'SIGKILL')
  await sleep(deadMs)
  await server?.ensureRunning()
}

async function freezeDatabase({ server }: World, ms: number): Promise<void> {
  const pids = (await server?.pids()) ?? []
  for (const pid of pids) signal(pid, 'SIGSTOP')
  try {
    await sleep(ms)
  } finally {
    for (const pid of pids) signal(pid, 'SIGCONT')
  }
}
