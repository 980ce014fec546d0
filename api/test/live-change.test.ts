import { random } from '@telltale/infra/testing/random'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type Answer, addDevice, bearer, call, signIn, startApi, type TestApi, until } from './harness.ts'
import { SseClient } from './sse-client.ts'

let api: TestApi
let headers: Record<string, string>
const open: SseClient[] = []

beforeAll(async () => {
  api = await startApi()
  headers = await bearer(api, 'viewer')
  for (const id of ['kitchen', 'cellar', 'attic']) await addDevice(api, id)
})
afterEach(() => {
  for (const client of open.splice(0)) client.close()
})
afterAll(() => api.stop())

async function listen(query: string, more: Record<string, string> = headers): Promise<SseClient> {
  const client = await SseClient.open(api.url(`/events?${query}`), { ...headers, ...more })
  open.push(client)
  return client
}

const streamOf = (client: SseClient): string => client.events[0]?.data.stream
const change = (stream: string, devices: unknown, as = headers): Promise<Answer> =>
  call(api, `PUT /events/${stream}`, { headers: as, body: { devices } })
const readings = (client: SseClient) =>
  client.of('reading').map(({ data }) => `${data.deviceId} ${data.time}`)
const numberOf = (id: string) => Number(id.split('-')[1])

/** Says readings of devices in turn, numbered, while `work` is done; resolves with the number of the last. */
async function whileTalking(deviceIds: string[], work: () => Promise<void>): Promise<number> {
  let isOver = false
  let sent = 0
  const talking = (async () => {
    for (; !isOver; await new Promise((resolve) => setTimeout(resolve, 1)))
      for (const id of deviceIds) await api.broker.reading(id, ++sent, { t: 1 })
  })()
  await work().finally(() => {
    isOver = true
  })
  await talking
  return sent
}

it('L-CHANGE-1 a stream carries other devices from the answer on, those of both lists without a gap or a double', async () => {
  const client = await listen('devices=kitchen,cellar')
  const sent = await whileTalking(['kitchen'], async () => {
    await until(() => readings(client).length > 3)
    const { status, body } = await change(streamOf(client), 'kitchen,attic')
    expect([status, body]).toEqual([204, ''])
  })
  for (const id of ['attic', 'cellar', 'kitchen']) await api.broker.reading(id, sent + 1, { t: 1 })
  await until(() => readings(client).includes(`kitchen ${sent + 1}`))
  const kitchen = Array.from({ length: sent }, (_, i) => `kitchen ${i + 1}`)
  expect(readings(client)).toEqual([...kitchen, `attic ${sent + 1}`, `kitchen ${sent + 1}`])
})

it('L-CHANGE-2 after a change comes a ping whose id resumes the stream without a resync', async () => {
  await addDevice(api, 'shed')
  const client = await listen('devices=kitchen')
  await change(streamOf(client), 'kitchen,shed')
  await until(() => client.of('ping').length === 1)
  const { id } = client.events.at(-1) ?? { id: '' }
  client.close()
  await api.broker.reading('shed', 7, { t: 1 })
  const again = await listen('devices=kitchen,shed', { 'last-event-id': id })
  await until(() => again.events.length > 1)
  expect(again.events.map(({ type }) => type)).toEqual(['hello', 'reading'])
})

it('L-CHANGE-10 what was not read yet when a change was answered comes again after the last id that was', async () => {
  const client = await listen('devices=kitchen,cellar')
  await api.broker.reading('kitchen', 0, { t: 1 })
  await until(() => readings(client).length === 1)
  client.stopReading()
  const before = numberOf(api.deps.hub.position)
  for (let time = 1; time <= 200; time++) await api.broker.reading('kitchen', time, { text: 'x'.repeat(900) })
  await until(() => numberOf(api.deps.hub.position) === before + 200)
  expect((await change(streamOf(client), 'kitchen')).status).toBe(204)
  client.close()
  const again = await listen('devices=kitchen', { 'last-event-id': client.events.at(-1)?.id ?? '' })
  await until(() => readings(again).at(-1) === 'kitchen 200')
  expect(again.of('resync')).toEqual([])
  const all = [...readings(client), ...readings(again)]
  expect(all).toEqual(Array.from({ length: 201 }, (_, time) => `kitchen ${time}`))
})

it('L-CHANGE-3 the fleet can be added and left out again', async () => {
  const client = await listen('devices=kitchen')
  await change(streamOf(client), '*,kitchen')
  await until(() => client.of('totals').length > 0)
  await change(streamOf(client), 'kitchen')
  const totals = client.of('totals').length
  api.deps.hub.publishTotals({ time: 1, messagesPerSecond: 0, connections: 0 })
  await api.broker.reading('kitchen', 9, { t: 1 })
  await until(() => readings(client).length > 0)
  expect(client.of('totals').length).toBe(totals)
})

it('L-CHANGE-4 only who opened a stream may change it: others learn nothing of it', async () => {
  const client = await listen('devices=kitchen')
  const mine = streamOf(client)
  const other = await listen('devices=kitchen')
  expect(mine).toMatch(/^[\w-]{22}$/)
  expect(streamOf(other)).not.toBe(mine)
  const stranger = await bearer(api, 'admin', 'stranger')
  const refused = [
    await change(mine, '*', stranger),
    await change('none', '*'),
    await change(`${mine}x`, '*'),
    await change(encodeURIComponent('../../devices'), '*'),
  ]
  const answers = refused.map(({ status, body: { requestId, ...problem } }) => ({ status, problem }))
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
  expect(answers[0]).toMatchObject({ status: 404, problem: { code: 'stream_not_found' } })
  client.close()
  await until(async () => (await change(mine, 'kitchen')).status === 404)
  expect((await call(api, `PUT /events/${mine}`, { body: { devices: '*' } })).status).toBe(401)
})

it('L-CHANGE-5 a page needs the header of every change, and its own origin', async () => {
  const session = await signIn(api, 'viewer')
  const client = await listen('devices=kitchen', { authorization: '', cookie: session.cookie })
  const stream = streamOf(client)
  const bare = await change(stream, '*', { cookie: session.cookie } as never)
  expect([bare.status, bare.body.code]).toEqual([403, 'csrf_header_missing'])
  const foreign = await change(stream, '*', { ...session, origin: 'http://evil.example' })
  expect([foreign.status, foreign.body.code]).toEqual([403, 'bad_origin'])
  expect((await change(stream, '*', session)).status).toBe(204)
})

it.each([
  ['none', 404, 'device_not_found'],
  ['', 400, 'invalid_request'],
  [',', 400, 'invalid_request'],
  [5, 400, 'invalid_request'],
  [undefined, 400, 'invalid_request'],
  [Array.from({ length: 201 }, (_, i) => `d${i}`).join(','), 400, 'invalid_request'],
])('L-CHANGE-6 a wrong list is refused and changes nothing: %#', async (devices, status, code) => {
  const client = await listen('devices=kitchen')
  const answer = await change(streamOf(client), devices)
  expect([answer.status, answer.body.code]).toEqual([status, code])
  for (const { path } of answer.body.errors ?? []) expect(path).toMatch(/^body/)
  await api.broker.reading('kitchen', 3, { t: 1 })
  await until(() => readings(client).length === 1)
})

it('L-CHANGE-7 of changes made at once one stays, whole, and ids only grow', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  console.log(`L-CHANGE-7 seed ${seed}`)
  const next = random(seed)
  const ids = Array.from({ length: 30 }, (_, i) => `many-${i}`)
  for (const id of ids) await addDevice(api, id)
  const client = await listen('devices=kitchen')
  const some = () => ['kitchen', ...ids.filter(() => next() < 0.4)].join(',')
  let lists: string[] = []
  await whileTalking(ids, async () => {
    for (let round = 0; round < 5; round++) {
      lists = Array.from({ length: 8 }, some)
      const answers = await Promise.all(lists.map((list) => change(streamOf(client), list)))
      for (const { status } of answers) expect(status).toBe(204)
    }
  })
  const marked = () => readings(client).filter((one) => one.endsWith(' -1'))
  for (const id of [...ids, 'kitchen']) await api.broker.reading(id, -1, { t: 1 })
  await until(() => marked().includes('kitchen -1'))
  const carried = marked().map((one) => one.replace(' -1', ''))
  expect(lists.map((list) => list.split(',').sort())).toContainEqual(carried.sort())
  const numbers = client.events.map(({ id }) => numberOf(id))
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
})

it('L-CHANGE-9 the last change stays, also when an earlier one takes longer to look its devices up', async () => {
  const client = await listen('devices=kitchen')
  const lock = await api.database.pool.connect()
  const isWaiting = async () => {
    const { rows } = await api.database.pool.query(
      "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FROM device WHERE%'",
    )
    return rows.length > 0
  }
  try {
    await lock.query('BEGIN')
    await lock.query('LOCK TABLE device')
    const earlier = change(streamOf(client), 'attic')
    await until(isWaiting)
    expect((await change(streamOf(client), '*')).status).toBe(204)
    await lock.query('COMMIT')
    expect((await earlier).status).toBe(204)
  } finally {
    lock.release()
  }
  await api.broker.reading('attic', 1, { t: 1 })
  await until(() => client.of('totals').length > 0)
  expect(readings(client)).toEqual([])
})

it('L-CHANGE-8 without the broker it answers all the same, and a resync follows when the broker is back', async () => {
  await addDevice(api, 'garage')
  const client = await listen('devices=kitchen')
  await api.broker.stop()
  await until(() => !api.deps.link.isUp)
  expect((await change(streamOf(client), 'kitchen,garage')).status).toBe(204)
  await until(() => client.of('ping').length > 0)
  const { id } = client.events.at(-1) ?? { id: '' }
  await api.broker.start()
  await until(() => client.of('resync').length > 0)
  await api.broker.reading('garage', 5, { t: 1 })
  await until(() => readings(client).includes('garage 5'))
  const again = await listen('devices=kitchen,garage', { 'last-event-id': id })
  await until(() => again.of('resync').length > 0)
})
