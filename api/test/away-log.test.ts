import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import type { Logger } from '@telltale/infra/log'
import { createPool, type Pool } from '@telltale/infra/storage/pool'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { BatchRunner } from '../src/commands/batch-runner.ts'
import type { Deps } from '../src/deps.ts'
import { SessionWatch } from '../src/session/watch.ts'

/** A server that hangs up on everybody: what a database is that starts, for whoever asks it. */
const server = createServer((socket) => {
  calls++
  socket.on('error', () => {}).destroy()
})
let calls = 0
let pool: Pool
const warned: string[] = []
const log = {
  warn: (_fields: object, words: string) => warned.push(words),
  info: () => {},
} as unknown as Logger

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  pool = createPool({ url: `postgres://telltale@127.0.0.1:${port}/telltale`, name: 'test', max: 2 })
})
afterEach(() => {
  vi.useRealTimers()
  warned.length = 0
  calls = 0
})
afterAll(async () => {
  await pool.end()
  server.close()
})

it('R-SEEN-17 open streams that cannot be checked are told once', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const watch = new SessionWatch(pool, log)
  const stay = watch.add(
    { via: 'cookie', name: 'viewer', role: 'viewer', hash: Buffer.alloc(32), expiresAt: null },
    () => {},
  )
  for (let times = 1; times <= 3; times++) {
    await waitFor('a check', () => {
      vi.advanceTimersByTime(1_500)
      return calls >= times
    })
  }
  stay()
  expect(warned).toEqual(['open streams could not be checked; trying again'])
})

it('R-SEEN-17 commands of a batch that wait are told once', async () => {
  const runner = new BatchRunner({ pool, log } as Deps, {
    ...{ devicesMax: 1, turnCommandsMax: 1, turnCancelsMax: 1, connectionsMax: 2, commandsPerSecond: 1_000 },
    ...{ idleMs: 1, retryDelayMinMs: 1, retryDelayMaxMs: 2, stopWaitMs: 1_000 },
  })
  runner.start()
  await waitFor('three rounds', () => calls >= 3)
  await runner.stop()
  expect(warned).toEqual(['commands of a batch wait'])
})
