import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from './fault.ts'
import { takeoverStorm } from './faults-connections.ts'
import { terminateSome, whileProxy } from './faults-database.ts'
import { killDatabase, killWhileReplaying } from './faults-processes.ts'

/** Long enough for the broker to keep messages on its own disk. */
const AWAY_MS = 4_000

/** The most telling ones in a few seconds each: all of them fit into a minute. */
export const quickFaults: readonly Fault[] = [
  { name: 'kill -9 of the broker', group: 'processes', run: ({ programs }) => programs.kill('broker') },
  { name: 'SIGTERM of the broker', group: 'processes', run: ({ programs }) => programs.stop('broker') },
  { name: 'the broker frozen', group: 'processes', run: ({ programs }) => programs.freeze('broker', 2_000) },
  {
    name: 'kill -9 of the database, all of it',
    group: 'processes',
    needs: 'own server',
    run: (world) => killDatabase(world, 500),
  },
  {
    name: 'the database refuses connections',
    group: 'database',
    run: (world) => whileProxy(world, ({ refuse }) => refuse(), AWAY_MS),
  },
  {
    name: 'the database is frozen',
    group: 'database',
    run: (world) => whileProxy(world, ({ freeze }) => freeze(), AWAY_MS),
  },
  {
    name: "the database's answers are lost, its backends ended, and the API killed",
    group: 'database',
    async run(world) {
      world.databaseProxy.holdAnswers()
      await sleep(300)
      world.databaseProxy.refuse()
      world.databaseProxy.pass()
      await world.programs.kill('api')
      await terminateSome(world, 1)
    },
  },
  {
    name: 'kill -9 of the broker while it brings back what waited on its disk',
    group: 'processes',
    run: (world) => killWhileReplaying(world, 300),
  },
  {
    name: 'all connections are reset',
    group: 'connections',
    needs: 'cutting proxy',
    run: async ({ cuttingProxy }) => cuttingProxy?.cut('reset'),
  },
  {
    name: 'devices connect twice',
    group: 'connections',
    run: (world, random) => takeoverStorm(world, random, 3),
  },
]
