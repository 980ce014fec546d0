import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { registerIntegration, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import type { IClientOptions } from 'mqtt'
import { generate } from 'mqtt-packet'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { filters, type TotalsPayload } from '../src/contract/index.ts'
import { collect, diagnosis, TestClients } from './clients.ts'

/** Twice as long as a socket may take nothing. */
const LONGER_THAN_STUCK_MS = 40_000

let database: TestDatabase
let broker: TestBroker
let script: IClientOptions
let reader: { username: string; password: string }
const clients = new TestClients(() => broker.url)

beforeAll(async () => {
  database = await createTestDatabase()
  broker = await startTestBroker(database.url, {
    TELLTALE_SESSION_QUEUE_MESSAGES: '10',
    TELLTALE_SESSION_QUEUE_BYTES: '20000',
  })
  script = await registerIntegration(database.pool, 'script')
  reader = await registerIntegration(database.pool, 'slow')
})
afterEach(() => clients.end())
afterAll(async () => {
  expect(await broker?.program.stop()).toBe(0)
  await database?.drop()
})

/** The counter of dropped messages, as the API hears it from now on. */
async function listenToTotals(): Promise<() => number | undefined> {
  const platform = await clients.attach({ username: '$telltale', password: broker.platformSecret })
  const heard = collect(platform)
  await platform.subscribeAsync(filters.platform('totals'))
  return () => {
    const last = heard.at(-1)?.payload
    return last === undefined ? undefined : (JSON.parse(last) as TotalsPayload).droppedTotal
  }
}

describe('clients that do not take what they subscribed to', () => {
  it.each([
    ['TELLTALE_SESSION_QUEUE_MESSAGES', 10, 15, 1, 5],
    ['TELLTALE_SESSION_QUEUE_BYTES', 20_000, 8, 4_500, 4],
  ] as const)(
    'M-LIMIT-9 of an absent client the newest messages are kept up to %s, and the others counted',
    async (name, allowed, sent, size, lost) => {
      const topic = `queue/${name}`
      const { username } = await registerIntegration(database.pool, `absent-${sent}`)
      const options = { username, password: `secret-of-${username}`, clientId: 'absent', clean: false }
      const absent = await clients.attach(options)
      await absent.subscribeAsync(topic, { qos: 1 })
      await absent.endAsync()
      const dropped = await listenToTotals()
      const before = await waitFor('the totals', dropped)
      const publisher = await clients.attach(script)
      const messages = Array.from({ length: sent }, (_, i) => String(i).padEnd(size))
      for (const message of messages) await publisher.publishAsync(topic, message, { qos: 1 })
      await waitFor('the losses to be counted', () => dropped() === before + lost)
      expect(await diagnosis(database.pool, 'queue_overflow', username)).toMatchObject({
        clientId: 'absent',
        limit: { name, allowed },
      })
      const back = clients.dial(options)
      const heard = collect(back)
      await waitFor('what was kept', () => heard.length === sent - lost)
      expect(heard.map(({ payload }) => payload)).toEqual(messages.slice(lost))
    },
  )

  it('M-LIMIT-10 one that never reads loses its own messages and then its connection; nobody else notices', async () => {
    const dropped = await listenToTotals()
    const before = await waitFor('the totals', dropped)
    const stuck = await subscribeAndStopReading(reader)
    const healthy = await clients.attach(script)
    const heard = collect(healthy)
    await healthy.subscribeAsync('flood/#')
    const publisher = await clients.attach(script)
    const payload = Buffer.alloc(60_000, 'x')
    let sent = 0
    await waitFor('messages to be dropped', async () => {
      for (let i = 0; i < 50; i++, sent++) await publisher.publishAsync('flood/x', payload, { qos: 1 })
      return (dropped() ?? 0) > before
    })
    await waitFor('everything to arrive where it is read', () => heard.length === sent)
    const { limit } = await diagnosis(database.pool, 'queue_overflow', reader.username)
    expect(limit).toMatchObject({ name: 'bytes waiting in its socket', allowed: 1024 * 1024 })
    expect(limit?.value).toBeGreaterThan(1024 * 1024)
    const problem = await diagnosis(database.pool, 'slow_reader', reader.username, LONGER_THAN_STUCK_MS)
    expect(problem.limit).toEqual({ name: 'seconds without reading', value: 20, allowed: 20 })
    stuck.resume()
    await once(stuck, 'close')
    await publisher.publishAsync('flood/x', 'after', { qos: 1 })
    await waitFor('the next', () => heard.at(-1)?.payload === 'after')
  }, 60_000)

  it('M-LIMIT-11 an API that takes nothing loses its link with its first message: it knows to look again', async () => {
    const dropped = await listenToTotals()
    const before = await waitFor('the totals', dropped)
    const frozen = await subscribeAndStopReading({ username: '$telltale', password: broker.platformSecret })
    const publisher = await clients.attach(script)
    const payload = Buffer.alloc(60_000, 'x')
    await waitFor(
      'a message to be dropped',
      async () => {
        const some = Array.from({ length: 50 }, () => publisher.publishAsync('flood/x', payload, { qos: 1 }))
        await Promise.all(some)
        return (dropped() ?? 0) > before
      },
      LONGER_THAN_STUCK_MS,
    )
    expect(await diagnosis(database.pool, 'queue_overflow', '$telltale')).toMatchObject({
      limit: { name: 'bytes waiting in its socket', allowed: 64 * 1024 * 1024 },
    })
    // It reads again: what waited in the sockets, and then the end.
    frozen.resume()
    await once(frozen, 'close')
  }, 60_000)
})

async function subscribeAndStopReading({ username, password }: { username: string; password: string }) {
  const socket = connectTcp(broker.port, '127.0.0.1')
  socket.on('error', () => {})
  const protocol = { protocolId: 'MQTT', protocolVersion: 4, clientId: 'stuck', clean: true } as const
  socket.write(generate({ cmd: 'connect', ...protocol, username, password: Buffer.from(password) }))
  await once(socket, 'data')
  socket.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'flood/#', qos: 0 }] }))
  await once(socket, 'data')
  socket.pause()
  return socket
}
