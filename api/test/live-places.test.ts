import { random } from '@telltale/infra/testing/random'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { liveLimits } from '../src/live/limits.ts'
import { type Place, StreamPlaces } from '../src/live/places.ts'
import { ProblemError } from '../src/problems.ts'
import { addDevice, bearer, call, signIn, startApi, type TestApi, until } from './harness.ts'
import { type Client, dialTo } from './socket-client.ts'
import { SseClient } from './sse-client.ts'

const { perUserMax, perAddressMax, anonymousPerAddressMax, allMax } = liveLimits.places
let api: TestApi
const streams: SseClient[] = []
const sockets: Client[] = []

beforeAll(async () => {
  api = await startApi()
  await addDevice(api, 'kitchen')
})
afterEach(async () => {
  for (const client of streams.splice(0)) client.close()
  for (const { socket } of sockets.splice(0)) socket.terminate()
  await until(() => api.deps.places.ofAddress('127.0.0.1') === 0)
})
afterAll(() => api.stop())

async function listen(as: Record<string, string>): Promise<void> {
  streams.push(await SseClient.open(api.url('/events?devices=kitchen'), as))
}

function dial(headers?: Record<string, string>): Client {
  const client = dialTo(api, headers ? { headers, origin: api.origin } : {})
  sockets.push(client)
  return client
}

const isRefused = (work: () => unknown): boolean => {
  try {
    work()
    return false
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'too_many_streams') return true
    throw error
  }
}

it('L-PLACE-1 streams, polls and sockets of one user count together, and each is told when to come back', async () => {
  const headers = await bearer(api, 'viewer', 'all-kinds')
  const first = await call(api, 'GET /events/poll?devices=kitchen', { headers })
  const polling = call(api, `GET /events/poll?devices=kitchen&cursor=${first.body.cursor}`, { headers })
  for (let i = 0; i < 10; i++) await listen(headers)
  const opened = Array.from({ length: perUserMax - 11 }, () => dial(headers))
  await until(() => opened.every(({ frames }) => frames.length > 0))
  expect(api.deps.places.ofUser('token:all-kinds')).toBe(perUserMax)
  for (const line of ['GET /events?devices=kitchen', 'GET /events/poll?devices=kitchen']) {
    const refused = await call(api, line, { headers })
    expect([refused.status, refused.body.code]).toEqual([429, 'too_many_streams'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  }
  const socket = dial(headers)
  await until(() => socket.code === 4029)
  await listen(await bearer(api, 'viewer', 'somebody-else'))
  await api.broker.reading('kitchen', 1, { t: 1 })
  expect((await polling).status).toBe(200)
  const another = dial(headers)
  await until(() => another.frames[0]?.type === 'hello')
})

it('L-PLACE-2 an address has its places whoever its users are, a /64 is one address, and all have an end', () => {
  const places = new StreamPlaces()
  const fill = (address: (i: number) => string) => {
    for (let i = 0; i < perAddressMax; i++) places.take(address(i), `${address(i)} ${i}`)
  }
  fill(() => '192.0.2.1')
  expect(isRefused(() => places.take('192.0.2.1', 'new'))).toBe(true)
  expect(isRefused(() => places.take('::ffff:192.0.2.1', 'new'))).toBe(true)
  places.take('192.0.2.2', 'new').release()
  fill((i) => `2001:db8::${i.toString(16)}`)
  expect(isRefused(() => places.take('2001:db8::ffff:1', 'new'))).toBe(true)
  expect(2 * perAddressMax).toBe(allMax)
  expect(isRefused(() => places.take('192.0.2.2', 'new'))).toBe(true)
})

it('L-PLACE-3 whatever is taken, refused and given back twice, in the end nothing is held', () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  console.log(`L-PLACE-3 seed ${seed}`)
  const next = random(seed)
  const places = new StreamPlaces()
  const held: Place[] = []
  for (let i = 0; i < 20_000; i++) {
    const [ip, user] = [`192.0.2.${Math.floor(next() * 4)}`, `u${Math.floor(next() * 10)}`]
    if (next() < 0.4) held.splice(Math.floor(next() * held.length), 1)[0]?.release()
    else if (!isRefused(() => held.push(places.take(ip, next() < 0.5 ? user : undefined))))
      isRefused(() => places.claim(held.at(-1) as Place, user))
    expect(places.ofUser(user)).toBeLessThanOrEqual(perUserMax)
  }
  for (const place of held) {
    place.release()
    place.release()
  }
  for (let i = 0; i < 10; i++)
    expect([places.ofUser(`u${i}`), places.ofAddress(`192.0.2.${i}`)]).toEqual([0, 0])
  const known = Array.from({ length: anonymousPerAddressMax }, () => places.anonymous('192.0.2.1'))
  known[0]?.()
  known[0]?.()
  places.anonymous('192.0.2.1')
  expect(isRefused(() => places.anonymous('192.0.2.1'))).toBe(true)
})

it('L-PLACE-4 only a few sockets of one address may be open that nobody knows, and proof makes room', async () => {
  const strangers = Array.from({ length: anonymousPerAddressMax }, () => dial())
  await until(() => strangers.every(({ socket }) => socket.readyState === WebSocket.OPEN))
  // Opened and accepted: each has answered nothing yet.
  await until(() => api.deps.places.ofAddress('127.0.0.1') === anonymousPerAddressMax)
  const refused = dial()
  await until(() => refused.code === 4029)
  const known = dial(await bearer(api, 'viewer', 'known'))
  await until(() => known.frames[0]?.type === 'hello')
  const { authorization } = await bearer(api, 'viewer', 'proves-it')
  strangers[0]?.send({ type: 'auth', token: authorization.slice('Bearer '.length) })
  await until(() => strangers[0]?.frames[0]?.type === 'hello')
  strangers[1]?.socket.terminate()
  await until(() => strangers[1]?.code !== undefined)
  const later = [dial(), dial()]
  await until(() => later.every(({ socket }) => socket.readyState === WebSocket.OPEN))
  await until(() => api.deps.places.ofAddress('127.0.0.1') === anonymousPerAddressMax + 2)
  expect(later.map(({ code }) => code)).toEqual([undefined, undefined])
})

it('L-PLACE-5 sockets that are refused, or gone before they are known, give everything back', async () => {
  const session = await signIn(api, 'viewer')
  for (let i = 0; i < 20; i++) {
    dial({ authorization: 'Bearer tt_wrong' })
    dial({ cookie: session.cookie }).socket.on('open', function open() {
      this.terminate()
    })
    const impatient = dial({ cookie: session.cookie })
    impatient.socket.on('upgrade', () => impatient.socket.terminate())
  }
  await until(() => sockets.every(({ code }) => code !== undefined))
  await until(() => api.deps.places.ofAddress('127.0.0.1') === 0)
  expect(api.deps.places.ofUser('viewer')).toBe(0)
})

it('L-PLACE-6 a client that goes away frees the place of its poll at once', async () => {
  const headers = await bearer(api, 'viewer', 'leaver')
  const { body } = await call(api, 'GET /events/poll?devices=kitchen', { headers })
  const leaving = new AbortController()
  const url = api.url(`/events/poll?devices=kitchen&wait=60&cursor=${body.cursor}`)
  const polls = Array.from({ length: perUserMax }, () => fetch(url, { headers, signal: leaving.signal }))
  const results = Promise.allSettled(polls)
  await until(() => api.deps.places.ofUser('token:leaver') === perUserMax)
  leaving.abort()
  await until(() => api.deps.places.ofUser('token:leaver') === 0)
  expect((await results).map(({ status }) => status)).not.toContain('fulfilled')
})
