import { connect } from 'node:net'
import { topics } from '@telltale/broker/contract'
import { transitionCommand } from '@telltale/infra/storage/command-transitions'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import { addDevice, bearer, call, signIn, startApi, type TestApi, until } from './harness.ts'
import { type Client, command, dialTo } from './socket-client.ts'

let api: TestApi
let operator: { authorization: string }
const open: Client[] = []

beforeAll(async () => {
  api = await startApi()
  operator = await bearer(api, 'operator')
  await addDevice(api, 'kitchen')
})
afterEach(async () => {
  for (const { socket } of open.splice(0)) socket.terminate()
  await api.database.pool.query('DELETE FROM command')
})
afterAll(() => api.stop())

function dial(options: ClientOptions = {}, protocols?: string[], to: TestApi = api): Client {
  const client = dialTo(to, options, protocols)
  open.push(client)
  return client
}

async function ready(options: ClientOptions = { headers: operator }): Promise<Client> {
  const client = dial(options)
  await until(() => client.frames.length > 0)
  return client
}

const statuses = (client: Client) =>
  client.frames.filter(({ type }) => type === 'command').map((frame) => frame.command.status)
const errors = (client: Client) => client.frames.filter(({ type }) => type === 'error')

it('C-SOCKET-1 a bearer gets hello with the protocol', async () => {
  const client = await ready()
  expect(client.frames[0]).toEqual({ type: 'hello', protocol: 'telltale.v1', serverTime: expect.any(Number) })
  expect(client.socket.extensions).toBe('')
})

it('C-SOCKET-2 the cookie works with the own Origin only', async () => {
  const { cookie } = await signIn(api, 'operator')
  const own = dial({ headers: { cookie }, origin: api.origin })
  await until(() => own.frames[0]?.type === 'hello')
  for (const origin of ['http://evil.example', 'null', undefined]) {
    const client = dial({ headers: { cookie }, ...(origin && { origin }) })
    await until(() => client.code === 4003)
  }
  const withBearer = dial({ headers: operator, origin: 'http://evil.example' })
  await until(() => withBearer.code === 4003)
})

it('C-SOCKET-3 without the subprotocol: 4006', async () => {
  const none = dial({ headers: operator }, [])
  const other = dial({ headers: operator }, ['mqtt', 'telltale.v2'])
  await until(() => none.code === 4006 && other.code === 4006)
})

it('C-SOCKET-4 wrong credentials at the upgrade: 4001', async () => {
  const token = dial({ headers: { authorization: 'Bearer tt_wrong' } })
  const cookie = dial({ headers: { cookie: 'telltale_session=wrong' }, origin: api.origin })
  await until(() => token.code === 4001 && cookie.code === 4001)
})

it('C-SOCKET-5 a first frame may bring the token; a wrong one: 4001; another frame first: 4001', async () => {
  const [good, bad, hasty] = [dial(), dial(), dial()]
  await until(() => [good, bad, hasty].every(({ socket }) => socket.readyState === WebSocket.OPEN))
  good.send({ type: 'auth', token: operator.authorization.slice('Bearer '.length) })
  bad.send({ type: 'auth', token: 'tt_wrong' })
  hasty.send(command())
  await until(() => good.frames[0]?.type === 'hello' && bad.code === 4001 && hasty.code === 4001)
  const { rows } = await api.database.pool.query('SELECT 1 FROM command')
  expect(rows).toEqual([])
})

it('C-SOCKET-6 no auth within 5 s: 4008', async () => {
  const client = dial()
  await until(() => client.code === 4008)
})

it('C-LIFE-1 a command is queued, the broker nudged, and every transition comes back', async () => {
  const client = await ready()
  const bystander = await ready()
  const frame = command()
  client.send(frame)
  await until(() => statuses(client).length === 1)
  expect(client.frames.at(-1).command).toMatchObject({
    id: frame.id,
    status: 'queued',
    params: { on: true },
    createdBy: 'token:test-operator',
    sentAt: null,
  })
  const nudge = topics.platform('nudge', 'kitchen')
  await until(() => api.broker.seen.some(({ topic, qos }) => topic === nudge && qos === 1))
  for (const to of ['sent', 'delivered', 'accepted', 'succeeded'] as const) {
    const detail = to === 'succeeded' ? { ok: true } : undefined
    const record = await transitionCommand(api.database.pool, {
      id: frame.id,
      deviceId: 'kitchen',
      to,
      detail,
    })
    await api.broker.say(topics.platform('commands', 'kitchen'), record)
  }
  await until(() => statuses(client).length === 5)
  expect(statuses(client)).toEqual(['queued', 'sent', 'delivered', 'accepted', 'succeeded'])
  expect(client.frames.at(-1).command.result).toEqual({ ok: true })
  expect(statuses(bystander)).toEqual([])
})

it('C-SOCKET-8 an id in upper case is the same id: its transitions come back', async () => {
  const client = await ready()
  const frame = command()
  client.send({ ...frame, id: frame.id.toUpperCase() })
  await until(() => statuses(client).length === 1)
  const record = await transitionCommand(api.database.pool, {
    id: frame.id,
    deviceId: 'kitchen',
    to: 'sent',
  })
  await api.broker.say(topics.platform('commands', 'kitchen'), record)
  await until(() => statuses(client).length === 2)
  client.send(frame)
  await until(() => statuses(client).length === 3)
  const frames = client.frames.filter(({ type }) => type === 'command')
  expect(frames.map((sent) => [sent.command.id, sent.command.status])).toEqual([
    [frame.id, 'queued'],
    [frame.id, 'sent'],
    [frame.id, 'sent'],
  ])
})

it('C-ONCE-1 the same id again answers the same record and sends nothing twice', async () => {
  const client = await ready()
  const frame = command()
  const nudges = () =>
    api.broker.seen.filter(({ topic }) => topic === topics.platform('nudge', 'kitchen')).length
  const before = nudges()
  client.send(frame)
  client.send(frame)
  await until(() => statuses(client).length === 2)
  const [first, second] = client.frames.slice(-2)
  expect(second.command).toEqual(first.command)
  const later = await ready()
  later.send(frame)
  await until(() => statuses(later).length === 1)
  client.send({ ...frame, name: 'other' })
  await until(() => errors(client).length === 1)
  expect(errors(client)[0]).toMatchObject({
    id: frame.id,
    problem: { status: 422, code: 'idempotency_conflict' },
  })
  const { rows } = await api.database.pool.query('SELECT count(*) AS n FROM command')
  expect(rows[0].n).toBe(1)
  await until(() => nudges() > before)
  expect(nudges() - before).toBe(1)
})

it('C-ROLE-1 a viewer may listen but not command', async () => {
  const client = await ready({ headers: await bearer(api, 'viewer') })
  const frame = command()
  client.send(frame)
  await until(() => errors(client).length === 1)
  expect(errors(client)[0]).toMatchObject({ id: frame.id, problem: { status: 403, code: 'forbidden' } })
})

it('C-FRAME-1 bad frames get an error frame, and the socket lives on', async () => {
  const client = await ready()
  const bad = [
    '{',
    '"x"',
    '{"type":"shout"}',
    { type: 'command' },
    command({ id: 'x' }),
    command({ ttlMs: 5 }),
  ]
  for (const frame of bad) client.send(frame)
  client.socket.send(Buffer.from([1, 2, 3]))
  await until(() => errors(client).length === bad.length + 1)
  expect(errors(client).every(({ problem }) => problem.status >= 400 && problem.status < 500)).toBe(true)
  client.send(command({ deviceId: 'none' }))
  client.send(command({ name: 'nul \u0000' }))
  client.send(command({ params: { text: '\u0000' } }))
  client.send(command({ params: { a: '\ud800' } }))
  client.send(command({ params: JSON.parse('['.repeat(40) + ']'.repeat(40)) }))
  await until(() => errors(client).length === bad.length + 6)
  const codes = errors(client)
    .slice(-5)
    .map(({ problem }) => problem.code)
  expect(codes).toEqual([
    'device_not_found',
    'invalid_request',
    'unstorable_text',
    'unstorable_text',
    'too_deep',
  ])
  client.send({ type: 'ping' })
  await until(() => client.frames.at(-1).type === 'pong')
})

it('C-FRAME-2 a frame above 64 KiB closes the socket, and only that one', async () => {
  const [huge, other] = [await ready(), await ready()]
  huge.send('x'.repeat(64 * 1024 + 1))
  await until(() => huge.code === 1009)
  other.send({ type: 'ping' })
  await until(() => other.frames.at(-1).type === 'pong')
})

it('C-RATE-1 above 20 commands a second they are refused, and a flood is closed with 4029', async () => {
  const client = await ready()
  for (let i = 0; i < 30; i++) client.send(command())
  await until(() => statuses(client).length + errors(client).length === 30)
  expect(errors(client).length).toBeGreaterThan(0)
  expect(errors(client)[0].problem.code).toBe('too_many_requests')
  for (let i = 0; i < 200; i++) client.send(command())
  await until(() => client.code === 4029)
})

it('C-GAP-1 transitions lost with the broker link are read from the rows', async () => {
  const client = await ready()
  const frame = command()
  client.send(frame)
  await until(() => statuses(client).length === 1)
  await transitionCommand(api.database.pool, { id: frame.id, deviceId: 'kitchen', to: 'sent' })
  api.deps.hub.resync('test')
  await until(() => statuses(client).at(-1) === 'sent')
})

it('S-REVOKE-4 signing out closes the sockets of the session with 4001', async () => {
  const session = await signIn(api, 'operator')
  const client = await ready({ headers: { cookie: session.cookie }, origin: api.origin })
  await call(api, 'DELETE /session', { headers: session })
  await until(() => client.code === 4001)
})

it('C-SOCKET-7 a plain GET is no socket, and a torn handshake harms nobody', async () => {
  expect((await call(api, 'GET /socket', { headers: operator })).status).toBe(404)
  const port = Number(new URL(api.origin).port)
  const raw = connect(port, '127.0.0.1', () => {
    raw.write('GET /api/v1/socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
    raw.destroy()
  })
  await until(() => raw.destroyed)
  await ready()
})

it('C-STOP-1 at shutdown sockets are closed with 1012', async () => {
  const other = await startApi()
  const client = dial({ headers: await bearer(other, 'viewer') }, ['telltale.v1'], other)
  await until(() => client.frames.length > 0)
  await other.stop()
  await until(() => client.code === 1012)
})
