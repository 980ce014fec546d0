import { Agent, type ClientRequest, get, type IncomingMessage } from 'node:http'
import { limits } from '@telltale/infra/limits'
import { openEngine } from '@telltale/infra/storage/engine'
import { resolveSeries } from '@telltale/infra/storage/series'
import { startTestApi, type TestApiProgram } from '@telltale/infra/testing/api'
import { startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { type DatabaseProxy, startDatabaseProxy } from '@telltale/infra/testing/database-proxy'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { SseClient } from './sse-client.ts'

/** More than the sockets of both sides hold. */
const READINGS = 300_000
const STOPPED_WITHIN_MS = limits.service.programStopDeadlineMs.api

let database: TestDatabase
let proxy: DatabaseProxy
let broker: TestBroker
let api: TestApiProgram
const start = Date.now() - 3_600_000

beforeAll(async () => {
  database = await createTestDatabase()
  const { pool } = database
  await pool.query(`INSERT INTO device (id, name) VALUES ('dense', '')`)
  const [series] = await resolveSeries(pool, [{ deviceId: 'dense', metric: 'a', kind: 'number' }])
  await (await openEngine(pool)).cover([start, start + READINGS])
  await pool.query(
    `INSERT INTO reading SELECT $2::int4, $1::timestamptz + n * interval '1 millisecond', n / 7.0
     FROM generate_series(1, $3) AS n`,
    [new Date(start), series?.id, READINGS],
  )
  proxy = await startDatabaseProxy(database.url)
  broker = await startTestBroker(database.url)
  api = await startTestApi(database, broker, { TELLTALE_DATABASE_URL: proxy.url })
})
afterAll(async () => {
  await api?.program.kill()
  await broker?.program.kill()
  await proxy?.close()
  await database?.drop()
})

const address = (path: string) => `${api.url}/api/v1${path}`
const headers = () => ({ authorization: `Bearer ${api.token}` })

function open(
  path: string,
  agent: Agent | false = false,
): { request: ClientRequest; answer: Promise<IncomingMessage> } {
  const request = get(address(path), { headers: headers(), agent })
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject)
  })
  answer.catch(() => {})
  return { request, answer }
}

async function dial(): Promise<{ socket: WebSocket; code: Promise<number> }> {
  const socket = new WebSocket(address('/socket').replace('http', 'ws'), 'telltale.v1', {
    headers: headers(),
  })
  socket.on('error', () => {})
  const code = new Promise<number>((resolve) => socket.on('close', resolve))
  await new Promise((resolve) => socket.once('message', resolve))
  return { socket, code }
}

async function stop(): Promise<{ code: number | null; tookMs: number }> {
  const startedMs = performance.now()
  const code = await api.program.stop()
  return { code, tookMs: performance.now() - startedMs }
}

it('R-STOP-4 SIGTERM: what is under way is answered, all are told to come back, nobody can hold it up', async () => {
  const stream = await SseClient.open(address('/events?devices=dense'), headers())
  const deaf = await SseClient.open(address('/events?devices=*'), headers())
  deaf.stopReading()
  const { code } = await dial()
  const { socket: deafSocket } = await dial()
  deafSocket.pause()
  const slow = await open(`/devices/dense/readings?format=csv&metrics=a&from=${start}&to=${start + READINGS}`)
    .answer
  expect(slow.statusCode).toBe(200)
  slow.on('error', () => {})
  slow.pause()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const idle = await open('/session', agent).answer
  const idleSocket = idle.socket
  await new Promise((resolve) => idle.resume().on('end', resolve))
  const { body } = await api.call('GET /events/poll?devices=dense')
  const pollPath = `/events/poll?devices=dense&wait=25&cursor=${(body as { cursor: string }).cursor}`
  const poll = open(pollPath).answer
  const lock = await database.pool.connect()
  await lock.query('BEGIN; LOCK TABLE device')
  const waitingCount = async () => {
    // Not the lock's own connection: inside a transaction the view does not change.
    const { rows } = await database.pool.query(
      `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'telltale-api'
       AND datname = current_database()`,
    )
    return rows.length
  }
  // Stopped before it waits for events.
  const latePoll = open(pollPath).answer
  const before = await waitFor(
    'a poll that looks for its devices',
    async () => (await waitingCount()) || undefined,
  )
  const list = open('/devices').answer
  await waitFor('a list that waits', async () => (await waitingCount()) > before)

  const stopping = stop()
  await waitFor('the end of the stream', () => stream.isEnded)
  await lock.query('COMMIT')
  lock.release()
  expect((await list).statusCode).toBe(200)
  for (const each of [poll, latePoll]) expect((await each).statusCode).toBe(200)
  expect(await code).toBe(1012)
  expect(stream.retries.at(-1)).toBeGreaterThanOrEqual(1_000)
  expect(await stopping).toEqual({ code: 0, tookMs: expect.any(Number) })
  expect((await stopping).tookMs).toBeLessThan(STOPPED_WITHIN_MS)
  expect(idleSocket.destroyed).toBe(true)
  deaf.close()
  deafSocket.terminate()
  slow.destroy()
  await api.restart()
})

it('R-STOP-5 SIGTERM while the database is frozen and requests wait for it: out in time, exit code 0', async () => {
  const asked = ['/devices', '/fleet', `/devices/dense/readings?metrics=a&from=${start}&to=${start + 1_000}`]
  proxy.freeze()
  const answers = asked.map((path) =>
    open(path).answer.then(
      (answer) => answer.statusCode,
      () => 'cut off',
    ),
  )
  await waitFor('them to wait', async () => {
    const { body, status } = await fetch(`${api.url}/metrics`).then(async (answer) => ({
      status: answer.status,
      body: await answer.text(),
    }))
    return status === 200 && body.includes('telltale_database_waiting')
  })
  const { code, tookMs } = await stop()
  expect(code).toBe(0)
  expect(tookMs).toBeLessThan(STOPPED_WITHIN_MS)
  for (const answer of await Promise.all(answers)) expect(['cut off', 503]).toContain(answer)
  proxy.pass()
})
