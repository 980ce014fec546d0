import { randomBytes, randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { topics } from '@telltale/broker/contract'
import { transitionCommand } from '@telltale/infra/storage/command-transitions'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import type { ClientOptions } from 'ws'
import { liveLimits } from '../src/live/limits.ts'
import { addDevice, bearer, startApi, type TestApi, until } from './harness.ts'
import { type Client, command, dialTo } from './socket-client.ts'

const FINAL = 0x80
const CONTINUATION = 0
const TEXT = 1
const PING = 9
let api: TestApi
let operator: { authorization: string }
const open: Client[] = []
const raws: RawSocket[] = []

beforeAll(async () => {
  api = await startApi()
  operator = await bearer(api, 'operator')
  await addDevice(api, 'kitchen')
})
afterEach(() => {
  for (const { socket } of open.splice(0)) socket.terminate()
  for (const { socket } of raws.splice(0)) socket.destroy()
})
afterAll(() => api.stop())

async function ready(options: ClientOptions = {}): Promise<Client> {
  const client = dialTo(api, { headers: operator, ...options })
  open.push(client)
  await until(() => client.frames.length > 0)
  return client
}

async function isUnharmed(client: Client): Promise<void> {
  client.send({ type: 'ping' })
  await until(() => client.frames.at(-1).type === 'pong')
}

/** A WebSocket client that may break every rule of RFC 6455. */
class RawSocket {
  readonly socket: Socket
  received = Buffer.alloc(0)

  constructor(headers: Record<string, string> = operator) {
    this.socket = connect(Number(new URL(api.origin).port), '127.0.0.1')
    this.socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk])
    })
    this.socket.on('error', () => {})
    const lines = [
      'GET /api/v1/socket HTTP/1.1',
      'Host: x',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      'Sec-WebSocket-Protocol: telltale.v1',
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ]
    this.socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    raws.push(this)
  }

  get isClosed(): boolean {
    return this.socket.closed
  }

  /** With a mask of zeros, which is a mask. */
  frame(first: number, payload: string | Buffer = ''): void {
    const bytes = Buffer.from(payload)
    const length = Buffer.from(
      bytes.length < 126 ? [0x80 | bytes.length] : [0x80 | 126, bytes.length >> 8, bytes.length & 255],
    )
    this.socket.write(Buffer.concat([Buffer.from([first]), length, Buffer.alloc(4), bytes]))
  }

  /** Whether a close frame with this code has come. */
  wasClosedWith(code: number): boolean {
    return this.received.includes(Buffer.from([code >> 8, code & 255]))
  }
}

it('C-FRAME-3 fragments that together are above 64 KiB close the socket', async () => {
  const other = await ready()
  const raw = new RawSocket()
  await until(() => raw.received.includes('hello'))
  raw.frame(TEXT, 'x'.repeat(40_000))
  raw.frame(CONTINUATION, 'x'.repeat(40_000))
  await until(() => raw.isClosed)
  expect(raw.wasClosedWith(1009)).toBe(true)
  await isUnharmed(other)
})

it('C-FRAME-4 fragments without end, empty ones too, close the socket; a few make a frame', async () => {
  const other = await ready()
  const raw = new RawSocket()
  await until(() => raw.received.includes('hello'))
  raw.frame(TEXT, '{"type":')
  for (let i = 0; i < 100; i++) raw.frame(CONTINUATION)
  raw.frame(FINAL | CONTINUATION, '"ping"}')
  await until(() => raw.received.includes('pong'))
  raw.frame(TEXT, '')
  for (let i = 0; i < 20_000; i++) raw.frame(CONTINUATION)
  await until(() => raw.isClosed)
  await isUnharmed(other)
})

it.each([
  ['without a mask', (raw: RawSocket) => raw.socket.write(Buffer.from([FINAL | TEXT, 2, 0x7b, 0x7d])), 1002],
  ['compressed, which was refused', (raw: RawSocket) => raw.frame(FINAL | 0x40 | TEXT, '{}'), 1002],
  ['of an unknown kind', (raw: RawSocket) => raw.frame(FINAL | 5, ''), 1002],
  ['a continuation of nothing', (raw: RawSocket) => raw.frame(FINAL | CONTINUATION, ''), 1002],
  ['ill-formed UTF-8', (raw: RawSocket) => raw.frame(FINAL | TEXT, Buffer.from([0xff, 0xfe])), 1007],
])('C-FRAME-5 a frame %s closes that socket only', async (_, send, code) => {
  const other = await ready()
  const raw = new RawSocket({ ...operator, 'Sec-WebSocket-Extensions': 'permessage-deflate' })
  await until(() => raw.received.includes('hello'))
  expect(raw.received.toString('latin1').toLowerCase()).not.toContain('permessage-deflate')
  send(raw)
  await until(() => raw.isClosed)
  expect(raw.wasClosedWith(code)).toBe(true)
  await isUnharmed(other)
})

it('C-SOCKET-9 one that sends pings and never reads is cut off', async () => {
  const other = await ready()
  const raw = new RawSocket()
  await until(() => raw.received.includes('hello'))
  raw.socket.pause()
  const flood = Buffer.concat(
    Array.from({ length: 500 }, () => Buffer.from([FINAL | PING, 0x80 | 125, ...Buffer.alloc(4 + 125)])),
  )
  while (!raw.socket.destroyed && raw.socket.writable) {
    if (!raw.socket.write(flood)) await Promise.race([nextTurn(), isUnharmed(other)])
    await nextTurn()
  }
  await isUnharmed(other)
})

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

it('C-SOCKET-10 nothing is done for whoever is not signed in: the first frame ends it, the rest is not read', async () => {
  const raw = new RawSocket({})
  const before = api.broker.seen.length
  for (let i = 0; i < 1_000; i++) raw.frame(FINAL | TEXT, JSON.stringify(command()))
  await until(() => raw.isClosed)
  expect(raw.wasClosedWith(4001)).toBe(true)
  expect(raw.received.includes('problem')).toBe(false)
  const { rows } = await api.database.pool.query('SELECT 1 FROM command')
  expect([rows, api.broker.seen.length]).toEqual([[], before])
})

it('C-SOCKET-11 a second proof changes nothing: who opened the socket stays', async () => {
  const viewer = (await bearer(api, 'viewer', 'first-proof')).authorization.slice('Bearer '.length)
  const client = dialTo(api)
  open.push(client)
  await until(() => client.socket.readyState === client.socket.OPEN)
  client.send({ type: 'auth', token: viewer })
  client.send({ type: 'auth', token: operator.authorization.slice('Bearer '.length) })
  client.send({ type: 'auth', token: 'tt_wrong' })
  client.send(command())
  await until(() => client.frames.length === 2)
  expect(client.frames.map(({ type, problem }) => problem?.code ?? type)).toEqual(['hello', 'forbidden'])
})

it('C-SOCKET-12 one that does not read while its commands progress is closed with 4008', async () => {
  const client = await ready()
  const id = randomUUID()
  client.send(command({ id }))
  await until(() => client.frames.length === 2)
  client.socket.pause()
  const padding = 'x'.repeat(60_000)
  for (let i = 0; i < 300; i++) {
    const progress = {
      id,
      deviceId: 'kitchen',
      status: 'accepted',
      result: `${i}${padding}`,
      finishedAt: null,
    }
    api.deps.hub.publishCommand(progress as never)
  }
  // It reads after all, so that it hears why.
  client.socket.resume()
  await until(() => client.code === 4008)
  expect(client.frames.length).toBeLessThan(300)
})

it('C-SOCKET-13 frames wait in the socket while the database is slow: they are answered all, in order', async () => {
  const client = await ready()
  const lock = await api.database.pool.connect()
  try {
    await lock.query('BEGIN')
    await lock.query('LOCK TABLE command')
    client.send(command())
    const waitingMax = liveLimits.socket.framesWaitingMax
    for (let i = 0; i < 10 * waitingMax; i++) client.send({ type: 'ping' })
    await lock.query('COMMIT')
    await until(() => client.frames.filter(({ type }) => type === 'pong').length === 10 * waitingMax)
  } finally {
    lock.release()
  }
  expect(client.frames[1].type).toBe('command')
})

it('C-SOCKET-14 one that answers no ping is gone after two misses; one that does stays', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    const silent = await ready({ autoPong: false })
    const alive = await ready()
    let pings = 0
    alive.socket.on('ping', () => pings++)
    for (let i = 1; i <= 2; i++) {
      vi.advanceTimersByTime(25_000)
      await until(() => pings === i)
      // Its pong is on the way; what follows it on the same connection has seen it arrive.
      await isUnharmed(alive)
    }
    expect(silent.frames.filter(({ type }) => type === 'ping').length).toBe(2)
    expect(silent.code).toBeUndefined()
    vi.advanceTimersByTime(25_000)
    await until(() => silent.code === 1006)
    await isUnharmed(alive)
    silent.send = () => {}
  } finally {
    vi.useRealTimers()
  }
})

it('C-SOCKET-15 what comes after our close is not done', async () => {
  const raw = new RawSocket({ authorization: (await bearer(api, 'operator', 'closing')).authorization })
  await until(() => raw.received.includes('hello'))
  for (let i = 0; i < 60; i++) raw.frame(FINAL | TEXT, '{')
  await until(() => raw.wasClosedWith(4029))
  raw.frame(FINAL | TEXT, JSON.stringify(command()))
  await until(() => raw.isClosed)
  const { rows } = await api.database.pool.query("SELECT 1 FROM command WHERE created_by = 'token:closing'")
  expect(rows).toEqual([])
  expect(api.broker.seen.some(({ topic }) => topic === topics.platform('nudge', 'closing'))).toBe(false)
})

const records = (client: Client) => client.frames.flatMap((frame) => frame.command ?? [])
const say = (record: unknown) => api.broker.say(topics.platform('commands', 'kitchen'), record)

it('C-SOCKET-16 a row that was read before a newer one was told is not told after it', async () => {
  const client = await ready()
  const frame = command()
  client.send(frame)
  await until(() => records(client).length === 1)
  // The row stays as it is: whoever reads it now is as late as a slow answer of the database.
  const times = { sentAt: records(client)[0].createdAt, deliveredAt: records(client)[0].createdAt }
  await say({ ...records(client)[0], ...times, status: 'delivered' })
  await until(() => records(client).length === 2)
  api.deps.hub.resync('test')
  client.send(frame)
  await isUnharmed(client)
  await say({ ...records(client)[0], ...times, status: 'accepted' })
  await until(() => records(client).length > 2)
  expect(records(client).map(({ status }) => status)).toEqual(['queued', 'delivered', 'accepted'])
})

it('C-SOCKET-17 when the reply overtakes the PUBACK the record comes again with its deliveredAt, then nothing', async () => {
  const client = await ready()
  const { id, ...frame } = command()
  client.send({ id, ...frame })
  for (const [i, to] of (['sent', 'succeeded', 'delivered'] as const).entries()) {
    await until(() => records(client).length === i + 1)
    await say(await transitionCommand(api.database.pool, { id, deviceId: 'kitchen', to }))
  }
  await until(() => records(client).length === 4)
  const told = records(client).map(({ status, deliveredAt }) => [status, deliveredAt !== null])
  expect(told.slice(2)).toEqual([
    ['succeeded', false],
    ['succeeded', true],
  ])
  api.deps.hub.resync('test')
  await isUnharmed(client)
  expect(records(client).length).toBe(4)
})
