import { afterAll, beforeAll, expect, it } from 'vitest'
import { addDevice, bearer, call, signIn, startApi, type TestApi, until } from './harness.ts'
import { type Client, command, dialTo } from './socket-client.ts'
import { SseClient } from './sse-client.ts'

let api: TestApi

beforeAll(async () => {
  api = await startApi()
  await addDevice(api, 'kitchen')
})
afterAll(() => api.stop())

interface Open {
  stream: SseClient
  socket: Client
  poll: Promise<{ status: number }>
}

/** One of each kind, by the same session or token. */
async function openAll(headers: Record<string, string>): Promise<Open> {
  const { body } = await call(api, 'GET /events/poll?devices=kitchen', { headers })
  const socket = dialTo(api, { headers, origin: api.origin })
  await until(() => socket.frames.length > 0)
  const stream = await SseClient.open(api.url('/events?devices=kitchen'), headers)
  return {
    stream,
    socket,
    poll: call(api, `GET /events/poll?devices=kitchen&cursor=${body.cursor}`, { headers }),
  }
}

const sql = (text: string) => api.database.pool.query(text)
const ends: [string, () => Promise<Record<string, string>>, string][] = [
  [
    'a session deleted by another process',
    () => signIn(api, 'admin'),
    "DELETE FROM login_session USING app_user WHERE app_user.id = user_id AND username = 'admin'",
  ],
  [
    'a user who is disabled',
    () => signIn(api, 'operator'),
    "UPDATE app_user SET disabled_at = now() WHERE username = 'operator'",
  ],
  [
    'a user whose role changes',
    () => signIn(api, 'viewer'),
    "UPDATE app_user SET role = 'operator' WHERE username = 'viewer'",
  ],
  [
    'a token that expires',
    () => bearer(api, 'operator', 'expires'),
    "UPDATE api_token SET expires_at = now() WHERE name = 'expires'",
  ],
]

it('L-END-1 a session ended elsewhere, a disabled user, another role or an expired token ends all within 2 s', async () => {
  const bystander = await openAll(await bearer(api, 'viewer', 'bystander'))
  const ended: [string, Open][] = []
  for (const [what, makeHeaders] of ends) ended.push([what, await openAll(await makeHeaders())])
  const startedAt = performance.now()
  for (const [, , end] of ends) await sql(end)
  for (const [what, { stream, socket, poll }] of ended) {
    await until(() => stream.isEnded && socket.code !== undefined)
    expect([what, socket.code, (await poll).status]).toEqual([what, 4001, 401])
  }
  // The rest is for a busy machine: looking every 5 s would not do.
  expect(performance.now() - startedAt).toBeLessThan(3_000)
  expect([bystander.stream.isEnded, bystander.socket.code]).toEqual([false, undefined])
  await api.broker.reading('kitchen', 1, { t: 1 })
  expect((await bystander.poll).status).toBe(200)
  bystander.stream.close()
  bystander.socket.socket.terminate()
})

it('L-END-2 what a socket sent before its session ended is not done afterwards', async () => {
  const headers = await bearer(api, 'operator', 'ends-in-between')
  const { pool } = api.database
  const socket = dialTo(api, { headers })
  await until(() => socket.frames.length > 0)
  const lock = await pool.connect()
  const isWaiting = async () => {
    const { rows } = await sql("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    return rows.length > 0
  }
  try {
    await lock.query('BEGIN')
    await lock.query('LOCK TABLE command')
    for (let i = 0; i < 5; i++) socket.send(command())
    await until(isWaiting)
    await sql("UPDATE api_token SET revoked_at = now() WHERE name = 'ends-in-between'")
    await until(() => socket.code === 4001)
    await lock.query('COMMIT')
  } finally {
    lock.release()
  }
  // The first was being done. What another socket does takes longer than the rest would.
  const other = dialTo(api, { headers: await bearer(api, 'operator', 'other') })
  await until(() => other.frames.length > 0)
  for (let i = 0; i < 15; i++) other.send(command())
  await until(() => other.frames.length === 16)
  other.socket.terminate()
  const { rows } = await sql(
    "SELECT count(*)::int AS n FROM command WHERE created_by = 'token:ends-in-between'",
  )
  expect(rows[0].n).toBe(1)
})
