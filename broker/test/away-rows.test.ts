import { connect, type Socket } from 'node:net'
import {
  registerDevice,
  registerIntegration,
  startTestBroker,
  type TestBroker,
} from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import type { IClientOptions } from 'mqtt'
import { generate } from 'mqtt-packet'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'
import { storedValues, TestClients } from './clients.ts'

let database: TestDatabase
let broker: TestBroker
const clients = new TestClients(() => broker.url)

beforeAll(async () => {
  database = await createTestDatabase()
  broker = await startTestBroker(database.url, { TELLTALE_DEVICE_CONNECTS_PER_MINUTE: '100' })
})
afterEach(async () => {
  await clients.end()
  await setReadOnly('off')
})
afterAll(async () => {
  await broker?.program.stop()
  await database?.drop()
})

const device = (id: string) => registerDevice(database.pool, id)

it('R-AWAY-20 a database that only reads lets in devices and integrations, seen before or not', async () => {
  const [seen, stranger] = [await device('seen'), await device('stranger')]
  const gateways = [
    await registerIntegration(database.pool, 'seen'),
    await registerIntegration(database.pool, 'strange'),
  ]
  for (const one of [seen, gateways[0] as IClientOptions]) await (await clients.attach(one)).endAsync()
  await database.pool.query(`UPDATE integration SET connected_at = now() - interval '5 minutes'`)
  await setReadOnly('on')
  expect(await Promise.all([seen, stranger, ...gateways].map((one) => clients.outcome(one)))).toEqual(
    Array.from({ length: 4 }, () => 'connected'),
  )
})

it('R-AWAY-21 when a database that only read is mended, readings go there, also by connections made meanwhile', async () => {
  const client = await clients.attach(await device('kept'))
  await setReadOnly('on')
  await client.publishAsync(topics.telemetry('kept'), '{"n":1}', { qos: 1 })
  await setReadOnly('off', { isGentle: true })
  await waitFor('the reading', async () => 'n' in (await storedValues(database.pool, 'kept')))
})

/** For connections from now on; the broker's are made anew, unless it is gentle. */
async function setReadOnly(state: 'on' | 'off', { isGentle = false } = {}): Promise<void> {
  const name = new URL(database.url).pathname.slice(1)
  const writer = await database.pool.connect()
  await writer.query('SET default_transaction_read_only = off')
  await writer.query(`ALTER DATABASE "${name}" SET default_transaction_read_only = ${state}`)
  if (!isGentle)
    await writer.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name ~ '^telltale-(broker|prompt|writer)$'`)
  writer.release(true)
}

it('R-AWAY-17 one device that connects several times at one moment takes no row from others: all are offline in the end', async () => {
  const twice = await device('twice')
  const others = await Promise.all(Array.from({ length: 5 }, (_, n) => device(`other${n}`)))
  const rows = async (which: string) =>
    (await database.pool.query(`SELECT device_id FROM session WHERE ${which}`)).rows.map(
      (row) => row.device_id,
    )
  for (let round = 1; round <= 3; round++) {
    const sockets = await Promise.all([twice, twice, twice, ...others].map(() => dial()))
    for (const [n, socket] of sockets.entries())
      socket.write(hello([twice, twice, twice, ...others][n] ?? twice))
    const theirs = `device_id LIKE 'other%'`
    await waitFor('the rows of the others', async () => (await rows(theirs)).length === round * others.length)
    for (const socket of sockets) socket.destroy()
    await waitFor('nobody to be connected', async () => (await rows('disconnected_at IS NULL')).length === 0)
  }
})

async function dial(): Promise<Socket> {
  const socket = connect(broker.port, '127.0.0.1')
  socket.on('error', () => {}).resume()
  await new Promise((resolve) => socket.once('connect', resolve))
  return socket
}

function hello({ username, password }: { username: string; password: string }): Buffer {
  const options = {
    clientId: `${username}-client`,
    protocolId: 'MQTT',
    protocolVersion: 4,
    keepalive: 60,
  } as const
  return generate({ ...options, cmd: 'connect', clean: true, username, password: Buffer.from(password) })
}
