import { get as httpGet, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Pool } from '@telltale/infra/storage/pool'
import { findSeries } from '@telltale/infra/storage/readings'
import fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { csvCell } from '../src/telemetry/cells.ts'
import { sendExport } from '../src/telemetry/export.ts'
import { addDevice, bearer, call, signIn, startApi, store, type TestApi, until } from './harness.ts'

let api: TestApi
let headers: { authorization: string }
let exports: Pool
/** On the minute, in a partition that exists. */
const start = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000
const temperature: [number, number][] = Array.from({ length: 600 }, (_, i) => [
  start + i * 1_700,
  Math.sin(i) * 20,
])

beforeAll(async () => {
  api = await startApi()
  exports = api.deps.history.exports
  headers = await bearer(api, 'viewer')
  await addDevice(api, 'kitchen')
  await store(api, 'kitchen', { metric: 'temperature', points: temperature })
  await store(api, 'kitchen', {
    metric: 'ok',
    points: [
      [start, true],
      [start + 90_000, false],
    ],
  })
  const door = ['shut', 'shut', 'open', 'open', 'shut'].map((value, i): [number, string] => [
    start + i * 1_000,
    value,
  ])
  await store(api, 'kitchen', { metric: 'door', points: door })
})
afterAll(() => api.stop())

const range = `from=${start}&to=${start + 3_600_000}`

describe('exports', () => {
  it('T-CSV-1 CSV streams every reading in order of time', async () => {
    const answer = await fetch(api.url(`/devices/kitchen/readings?${range}`), {
      headers: { ...headers, accept: 'text/csv' },
    })
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    const lines = (await answer.text()).trimEnd().split('\r\n')
    expect(lines[0]).toBe('time,metric,value')
    expect(lines).toHaveLength(1 + 600 + 2 + 5)
    const times = lines.slice(1).map((line) => line.split(',')[0] ?? '')
    expect(times).toEqual([...times].sort())
    expect(lines).toContain(`${new Date(start).toISOString()},door,shut`)
  })

  it('T-CSV-2 no cell of text can run as a formula; numbers stay numbers', async () => {
    await addDevice(api, 'formula')
    const evil = '=HYPERLINK("http://evil.example","x")'
    await store(api, 'formula', { metric: '+cmd', points: [[start, evil]] })
    await store(api, 'formula', { metric: 'n', points: [[start + 1, -5]] })
    const answer = await fetch(api.url(`/devices/formula/readings?${range}`), {
      headers: { ...headers, accept: 'text/csv' },
    })
    const text = await answer.text()
    expect(text).toContain(`,'+cmd,"'=HYPERLINK(""http://evil.example"",""x"")"\r\n`)
    expect(text).toContain(',n,-5\r\n')
    // Behind a line break or a semicolon some spreadsheets begin a cell, whatever the quotes.
    expect(['a;=1', 'a\n+1', 'a;b', '＝1', '\n=1'].map(csvCell)).toEqual([
      `"a;'=1"`,
      `"a\n'+1"`,
      '"a;b"',
      "'＝1",
      `"'\n'=1"`,
    ])
    expect(['@x', '-x', '\tx', '\rx', 'a,b', 'a"b', 'a\nb', 'plain', true, 1.5].map(csvCell)).toEqual([
      "'@x",
      "'-x",
      "'\tx",
      '"\'\rx"',
      '"a,b"',
      '"a""b"',
      '"a\nb"',
      'plain',
      'true',
      '1.5',
    ])
  })

  it('T-NDJSON-1 NDJSON gives one JSON value a line, with types', async () => {
    const answer = await fetch(api.url(`/devices/kitchen/readings?${range}&metrics=ok`), {
      headers: { ...headers, accept: 'application/x-ndjson' },
    })
    const lines = (await answer.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toEqual([
      { time: start, metric: 'ok', value: true },
      { time: start + 90_000, metric: 'ok', value: false },
    ])
  })

  it('T-CSV-3 a link asks for the file by name, with the same lines as Accept, for one device and for several', async () => {
    const read = async (path: string, accept?: string) => {
      const answer = await fetch(api.url(path), { headers: { ...headers, ...(accept && { accept }) } })
      return [answer.headers.get('content-type'), await answer.text()]
    }
    const browser = 'text/html,application/xhtml+xml,*/*;q=0.8'
    for (const [name, type] of [
      ['csv', 'text/csv'],
      ['ndjson', 'application/x-ndjson'],
    ])
      for (const path of [`/devices/kitchen/readings?${range}`, `/readings?devices=kitchen&${range}`])
        expect(await read(`${path}&format=${name}`, browser)).toEqual(await read(path, type))
    const file = await fetch(api.url(`/readings?devices=kitchen&${range}&format=csv`), { headers })
    expect(file.headers.get('content-disposition')).toBe('attachment; filename="readings.csv"')
    await file.text()
    const [type] = await read(`/devices/kitchen/readings?${range}&format=ndjson`, 'text/csv')
    expect(type).toBe('application/x-ndjson; charset=utf-8')
    const wrong = await fetch(api.url(`/devices/kitchen/readings?${range}&format=xlsx`), { headers })
    expect(wrong.status).toBe(400)
  })

  it('T-EXPORT-1 a slow reader holds no database connection; one that goes away ends its export', async () => {
    const times = Array.from({ length: 200_000 }, (_, i): [number, number] => [start + i, i])
    await addDevice(api, 'long')
    // Lines of 170 bytes: more than the buffers of a connection hold.
    await store(api, 'long', { metric: 'v'.repeat(128), points: times })
    const controller = new AbortController()
    const init = { headers: { ...headers, accept: 'text/csv' }, signal: controller.signal }
    const read = () => fetch(api.url(`/devices/long/readings?${range}`), init)
    const answers = await Promise.all([read(), read(), read()])
    // Taken once, then nobody reads on: what is under way ends, and the next slice waits for the reader.
    await Promise.all(answers.map((answer) => answer.body?.getReader().read()))
    await until(() => exports.idleCount === exports.totalCount && exports.waitingCount === 0)
    expect((await fetch(api.url(`/devices/long/readings?${range}`), init)).status).toBe(429)
    controller.abort()
    const again = { headers: init.headers }
    await until(
      async () => (await fetch(api.url(`/devices/kitchen/readings?${range}`), again)).status === 200,
    )
  })

  describe('with a short stall limit', () => {
    const stallMs = 500
    let server: FastifyInstance
    let url: string
    let answering: ServerResponse
    beforeAll(async () => {
      await addDevice(api, 'stalling')
      const points = Array.from({ length: 200_000 }, (_, i): [number, number] => [start + i, i])
      await store(api, 'stalling', { metric: 'v', points })
      server = fastify()
      server.get('/', async (_, reply) => {
        answering = reply.raw
        const series = await findSeries(api.database.pool, { deviceIds: ['stalling'], limit: 1 })
        const asked = { from: start, to: start + 3_600_000, format: 'text/csv' as const }
        const file = { fileName: 'stalling', namesDevice: false }
        return sendExport(
          api.deps.history,
          { ...asked, ...file, series, stallMs, watch: () => () => {} },
          reply,
        )
      })
      url = await server.listen({ port: 0, host: '127.0.0.1' })
    })
    afterAll(() => server.close())
    const isIdle = () => exports.idleCount === exports.totalCount

    it('T-EXPORT-2 a database that takes long cuts nobody off', async () => {
      const blocker = await api.database.pool.connect()
      await blocker.query('BEGIN; LOCK TABLE reading')
      const answer = fetch(url).then((response) => response.text())
      const begun = performance.now()
      await until(() => performance.now() - begun > 2 * stallMs)
      await blocker.query('ROLLBACK')
      blocker.release()
      expect((await answer).split('\r\n')).toHaveLength(200_002)
    })

    it('T-EXPORT-3 a client that takes nothing is cut off', async () => {
      const client = await new Promise<IncomingMessage>((resolve) => httpGet(url, { agent: false }, resolve))
      client.on('error', () => {})
      client.pause()
      await until(() => answering.destroyed && isIdle())
      expect(answering.writableFinished).toBe(false)
      client.resume()
      await until(() => client.closed)
      expect(client.complete).toBe(false)
    })

    it('T-EXPORT-8 whoever may no more gets no further', async () => {
      const mine = await signIn(api, 'viewer')
      const asked = { headers: { ...mine, accept: 'text/csv' }, agent: false as const }
      const client = await new Promise<IncomingMessage>((resolve) => {
        httpGet(api.url(`/devices/stalling/readings?${range}`), asked, resolve)
      })
      client.on('error', () => {})
      client.pause()
      await call(api, 'DELETE /session', { headers: mine })
      await until(isIdle)
      client.resume()
      await until(() => client.closed)
      expect(client.complete).toBe(false)
    })

    it('T-EXPORT-4 a burst of exports passes no limit, and every place comes back', async () => {
      const path = `/devices/stalling/readings?${range}`
      const asked = { headers: { ...headers, accept: 'text/csv' } }
      const statuses = async () => {
        const answers = await Promise.all(Array.from({ length: 8 }, () => fetch(api.url(path), asked)))
        await Promise.all(answers.map((answer) => answer.text()))
        return answers.map(({ status }) => status).sort()
      }
      for (let i = 0; i < 3; i++) {
        expect((await statuses()).filter((status) => status === 200)).toHaveLength(3)
        await until(isIdle)
      }
    })
  })
})
