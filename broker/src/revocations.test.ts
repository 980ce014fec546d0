import { createLog } from '@telltale/infra/log'
import { hashSecret } from '@telltale/infra/secrets'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import type { Client } from 'aedes'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import type { Attachment } from './attachment.ts'
import { Clients } from './clients.ts'
import { topics } from './contract/index.ts'
import type { Principal } from './principals.ts'
import { PromptDatabase } from './prompt-database.ts'
import { Revocations } from './revocations.ts'
import { Sessions } from './sessions/sessions.ts'
import { collected } from './sessions/store-fixtures.ts'
import { MemoryStore } from './sessions/store-memory.ts'
import { SignInMemory } from './sign-in-memory.ts'

const DEVICES = 10_000
const log = createLog('broker', 'fatal')
const nameOf = (n: number) => `dev-${n}`

let database: TestDatabase
let clients: Clients
let durable: MemoryStore
let revocations: Revocations
/** How often the broker has looked at who a connection is. */
let looks: number
/** Connections closed in this turn of the event loop, and the most in any. */
let closed: { now: number; most: number }

beforeAll(async () => {
  database = await createTestDatabase()
  await database.pool.query(
    `WITH d AS (INSERT INTO device (id, name) SELECT 'dev-' || n, 'n' FROM generate_series(1, $1::int) n RETURNING id)
     INSERT INTO device_credential (device_id, hash) SELECT id, sha256(id::bytea) FROM d`,
    [DEVICES],
  )
})
afterAll(() => database?.drop())

beforeEach(async () => {
  await database.pool.query('UPDATE device SET disabled_at = NULL')
  clients = new Clients()
  const bounds = { messagesMax: 10, bytesMax: 10_000 }
  durable = new MemoryStore({ bounds })
  const memory = new MemoryStore({ bounds })
  const sessions = new Sessions({ durable, memory, log, queueMessagesMax: 10, onQueueFull: () => {} })
  looks = 0
  closed = { now: 0, most: 0 }
  const { pool } = database
  const asking = { pool, database: new PromptDatabase({ pool, log }), memory: new SignInMemory() }
  revocations = new Revocations({ ...asking, clients, sessions, durable, log, expiryMs: 1e9 })
  const onClose = () => {
    closed.most = Math.max(closed.most, ++closed.now)
  }
  for (let n = 1; n <= DEVICES; n++) {
    connect(nameOf(n), hashSecret(nameOf(n)), onClose)
    await durable.open(`${nameOf(n)}/kept`)
    const topic = topics.status(nameOf(n))
    await durable.retain({ topic, payload: Buffer.from('online'), qos: 0 })
  }
})

/** What aedes gives us of a connection, as far as it matters here. */
function connect(deviceId: string, credentialHash: Buffer, onClose: () => void): void {
  const client = {
    id: `${deviceId}/kept`,
    close(done?: () => void) {
      clients.remove(client as unknown as Client)
      onClose()
      done?.()
    },
  }
  const principal: Principal = { kind: 'device', deviceId, credentialHash }
  const attachment = {
    peer: { listener: 'tcp' },
    get principal() {
      looks++
      return principal
    },
  }
  clients.add(client as unknown as Client, attachment as unknown as Attachment)
}

const connected = () => [...clients.names()].length

it('S-REVOKE-5 ten thousand disabled at once are closed in a few questions and one pass, with turns for others', async () => {
  await database.pool.query(`UPDATE device SET disabled_at = now() WHERE id <> 'dev-7'`)
  looks = 0
  const queries = vi.spyOn(database.pool, 'query')
  const countTurn = () => {
    closed.now = 0
    turn = setImmediate(countTurn)
  }
  let turn = setImmediate(countTurn)
  // As they come out of a socket, some at a time; each time can be a round of two questions at most.
  for (let n = 1; n <= DEVICES; n++) {
    revocations.changed(nameOf(n))
    if (n % 500 === 0) await new Promise(setImmediate)
  }
  await waitFor('all but one to be gone', async () => {
    return connected() === 1 && (await durable.list('')).length === 1
  })
  await waitFor('what they retained to be forgotten', async () => {
    return (await collected(durable.retained([topics.status('+')]))).length === 1
  })
  clearImmediate(turn)
  expect(queries.mock.calls.length).toBeLessThanOrEqual(2 * 20)
  expect(looks).toBeLessThan(5 * DEVICES)
  expect(closed.most).toBeLessThanOrEqual(200)
  expect([...clients.names()]).toEqual(['dev-7'])
  queries.mockRestore()
})

it('S-REVOKE-6 without a word of it the same is found and done by the look that is taken every two seconds', async () => {
  await database.pool.query(`UPDATE device SET disabled_at = now() WHERE id <> 'dev-7'`)
  looks = 0
  const queries = vi.spyOn(database.pool, 'query')
  await revocations.check()
  expect(connected()).toBe(1)
  expect(await durable.list('')).toEqual(['dev-7/kept'])
  expect(queries.mock.calls.length).toBeLessThanOrEqual(3)
  expect(looks).toBeLessThan(5 * DEVICES)
  queries.mockRestore()
})

it('S-REVOKE-7 of several connections only those with the revoked secret end', async () => {
  await database.pool.query(
    `INSERT INTO device_credential (device_id, hash) VALUES ('dev-3', sha256('second'));
     UPDATE device_credential SET revoked_at = now() WHERE hash = sha256('dev-3')`,
  )
  let secondClosed = 0
  connect('dev-3', hashSecret('second'), () => secondClosed++)
  revocations.changed('dev-3')
  const hashes = () => [...clients.credentialsInUse(['dev-3'])].map(({ hash }) => hash)
  await waitFor('the first to end', () => hashes().length === 1)
  expect(hashes()).toEqual([hashSecret('second')])
  expect([secondClosed, connected()]).toEqual([0, DEVICES])
})
