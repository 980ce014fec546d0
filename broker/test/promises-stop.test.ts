import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { limits } from '@telltale/infra/limits'
import { registerDevice, startTestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'
import { TestClients } from './clients.ts'

let database: TestDatabase
let url = ''
const clients = new TestClients(() => url)

beforeAll(async () => {
  database = await createTestDatabase()
})
afterEach(() => clients.end())
afterAll(() => database?.drop())

/** Between a broker and its database, to cut them off from each other. */
class Link {
  readonly #server: Server
  readonly #ends = new Set<Socket>()
  #state: 'up' | 'refusing' | 'silent' = 'up'

  constructor(target: URL) {
    this.#server = createServer((near) => {
      this.#watch(near)
      if (this.#state === 'refusing') near.destroy()
      if (this.#state !== 'up') return
      const far = connect(Number(target.port), target.hostname)
      this.#watch(far)
      near.pipe(far).pipe(near)
      near.on('close', () => far.destroy())
      far.on('close', () => near.destroy())
    })
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  cut(state: 'refusing' | 'silent'): void {
    this.#state = state
    for (const end of this.#ends)
      if (state === 'refusing') end.destroy()
      else end.unpipe().pause()
  }

  stop(): void {
    this.#server.close()
    for (const end of this.#ends) end.destroy()
  }

  #watch(end: Socket): void {
    end.on('error', () => {})
    this.#ends.add(end)
  }
}

it.each(['refusing', 'silent'] as const)(
  'M-PROMISE-9 SIGTERM while the database is %s: the broker ends in time, and acknowledges nothing it has not stored',
  async (state) => {
    const target = new URL(database.url)
    const link = new Link(target)
    const through = new URL(target)
    through.host = `127.0.0.1:${await link.listen()}`
    const broker = await startTestBroker(through.href)
    url = broker.url
    try {
      const device = await clients.attach(await registerDevice(database.pool, `stopped-${state}`))
      await device.publishAsync(topics.telemetry(`stopped-${state}`), '{"n":1}', { qos: 1 })
      link.cut(state)
      let isAcknowledged = false
      device.publish(topics.telemetry(`stopped-${state}`), '{"n":2}', { qos: 1 }, (error) => {
        isAcknowledged = !error
      })
      const startedMs = performance.now()
      await broker.program.stop()
      expect(performance.now() - startedMs).toBeLessThan(limits.service.stopDeadlineMs)
      expect(isAcknowledged).toBe(false)
    } finally {
      broker.program.process.kill('SIGKILL')
      link.stop()
    }
  },
  30_000,
)
