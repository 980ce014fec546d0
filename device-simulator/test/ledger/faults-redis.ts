import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { between, type Fault } from './fault.ts'
import type { World } from './world.ts'

const AWAY_MS = [1_000, 15_000] as const

export const redisFaults: readonly Fault[] = [
  {
    name: 'Redis is killed and comes back empty',
    group: 'redis',
    needs: 'redis',
    run: ({ redis }, random) => restart(redis, between(random, ...AWAY_MS)),
  },
  {
    name: 'Redis is killed and comes back at once',
    group: 'redis',
    needs: 'redis',
    run: ({ redis }) => restart(redis, 0),
  },
  {
    name: 'Redis answers nobody',
    group: 'redis',
    needs: 'redis',
    async run({ redis }, random) {
      const ms = between(random, ...AWAY_MS)
      await tell(redis, `CLIENT PAUSE ${ms} ALL`)
      await sleep(ms)
    },
  },
  {
    name: 'Redis forgets everything (FLUSHALL)',
    group: 'redis',
    needs: 'redis',
    run: ({ redis }) => tell(redis, 'FLUSHALL'),
  },
]

async function restart(redis: World['redis'], awayMs: number): Promise<void> {
  await redis?.stop()
  await sleep(awayMs)
  await redis?.start()
}

/** One inline command. */
async function tell(redis: World['redis'], command: string): Promise<void> {
  const socket = connect(redis?.port ?? 0, '127.0.0.1')
  try {
    await once(socket, 'connect')
    socket.write(`${command}\r\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    if (!answer.toString().startsWith('+')) throw new Error(`${command}: ${answer}`)
  } finally {
    socket.destroy()
  }
}
