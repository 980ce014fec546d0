import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { addDevice, bearer, call, startApi, type TestApi, until } from './harness.ts'
import { SseClient } from './sse-client.ts'

let api: TestApi
let headers: Record<string, string>
let stream: SseClient
let said = 0

beforeAll(async () => {
  api = await startApi()
  headers = await bearer(api, 'operator')
  await addDevice(api, 'kitchen')
  stream = await SseClient.open(api.url('/events?devices=kitchen'), headers)
})
afterAll(async () => {
  stream.close()
  await api.stop()
})

/** A stream that was open before goes on, and a request is answered. */
async function isUnharmed(): Promise<void> {
  await api.broker.reading('kitchen', ++said, { t: 1 })
  await until(() => stream.of('reading').at(-1)?.data.time === said)
  expect((await call(api, 'GET /session', { headers })).status).toBe(200)
}

/** Sends what it is given, and hears when it is over. */
function raw(bytes: string): { socket: Socket; answer: () => string } {
  let answer = ''
  const socket = connect(Number(new URL(api.origin).port), '127.0.0.1', () => socket.write(bytes))
  socket.on('data', (chunk) => {
    answer += chunk
  })
  socket.on('error', () => {})
  return { socket, answer: () => answer }
}

const post = (length: number) =>
  `POST /api/v1/devices HTTP/1.1\r\nHost: x\r\nAuthorization: ${headers.authorization}\r\n` +
  `Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`

it('S-SLOW-1 headers and bodies that come byte by byte end in 408; open streams and quick requests do not', async () => {
  const { server } = api.app
  expect([server.headersTimeout, server.requestTimeout]).toEqual([10_000, 30_000])
  server.headersTimeout = 300
  server.requestTimeout = 600
  const slow = Array.from({ length: 100 }, (_, i) =>
    raw(i % 2 === 0 ? 'GET /api/v1/session HTTP/1.1\r\nHost: x\r\nX-Slow: ' : post(1_000)),
  )
  const dripping = setInterval(() => {
    for (const { socket } of slow) if (socket.writable) socket.write('x')
  }, 50)
  await isUnharmed()
  // Node looks every 5 s.
  await until(() => slow.every(({ socket }) => socket.destroyed))
  clearInterval(dripping)
  for (const { answer } of slow) expect(answer()).toMatch(/^HTTP\/1\.1 408 /)
  await isUnharmed()
  expect(stream.isEnded).toBe(false)
})

it('S-BODY-1 a body above 256 KiB is refused before it is read, however it is declared', async () => {
  const line = 'PUT /events/x'
  const declared = raw(post(1024 ** 4))
  await until(() => declared.answer().includes('body_too_large'))
  declared.socket.destroy()
  const chunked = raw(
    `${post(0).replace('Content-Length: 0', 'Transfer-Encoding: chunked')}40001\r\n${'x'.repeat(0x40001)}`,
  )
  await until(() => chunked.answer().includes('body_too_large'))
  chunked.socket.destroy()
  const whole = await call(api, line, { headers, body: { devices: 'x'.repeat(256 * 1024) } })
  expect([whole.status, whole.body.code]).toEqual([413, 'body_too_large'])
  await isUnharmed()
})

it('S-BODY-2 a body nested very deeply is refused like any other wrong one', async () => {
  const deep = '['.repeat(120_000) + ']'.repeat(120_000)
  for (const body of [
    deep,
    `{"devices":${deep}}`,
    '{"a":'.repeat(30_000),
    `${'{"a":'.repeat(30_000)}1${'}'.repeat(30_000)}`,
  ]) {
    const answer = await call(api, 'PUT /events/x', { headers, body })
    expect([answer.status, answer.body.code]).toEqual([
      400,
      expect.stringMatching(/^invalid_(json|request)$/),
    ])
  }
  const params = await call(api, 'POST /devices/kitchen/commands', {
    headers,
    body: `{"name":"x","params":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
  })
  expect([params.status, params.body.code]).toEqual([422, 'too_deep'])
  await isUnharmed()
})
