import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { promisify } from 'node:util'
import { limits } from '@telltale/infra/limits'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import { connectAsync } from 'mqtt'
import { generate, type Packet, parser } from 'mqtt-packet'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { topics } from '../src/contract/index.ts'

const run = promisify(execFile)
let database: TestDatabase
let broker: TestBroker
let device = ''
let credentials: { username: string; password: string }
let count = 0

beforeAll(async () => {
  database = await createTestDatabase()
  broker = await startTestBroker(database.url)
})
beforeEach(async () => {
  device = `d${++count}`
  credentials = await registerDevice(database.pool, device)
})
afterAll(async () => {
  expect(await broker?.program.stop()).toBe(0)
  await database?.drop()
})

/** A connection that shows every packet as it comes: no client library in between. */
async function rawConnect(): Promise<{ socket: Socket; packets: Packet[] }> {
  const socket = connect(broker.port, '127.0.0.1')
  const packets: Packet[] = []
  const parse = parser()
  parse.on('packet', (packet) => packets.push(packet))
  socket.on('data', (chunk) => parse.parse(chunk))
  socket.on('error', () => {})
  const { username, password } = credentials
  socket.write(
    generate({
      cmd: 'connect',
      ...{ clientId: 'raw', clean: true, keepalive: 60, protocolId: 'MQTT', protocolVersion: 4 },
      username,
      password: Buffer.from(password),
    }),
  )
  await waitFor('CONNACK', () => packets.length === 1)
  expect(packets.shift()).toMatchObject({ cmd: 'connack', returnCode: 0 })
  return { socket, packets }
}

const publish = (messageId: number, payload: string, qos: 0 | 1 | 2 = 1) =>
  generate({
    cmd: 'publish',
    topic: topics.telemetry(device),
    payload,
    qos,
    messageId,
    dup: false,
    retain: false,
  })

const ids = (packets: Packet[]) =>
  packets.map((packet) => (packet.cmd === 'puback' ? packet.messageId : undefined))

async function storedTimes(): Promise<number[]> {
  const { rows } = await database.pool.query(
    `SELECT (extract(epoch FROM r.time) * 1000)::float8 AS t FROM reading r JOIN series s ON s.id = r.series_id
     WHERE s.device_id = $1 ORDER BY 1`,
    [device],
  )
  return rows.map((row) => row.t)
}

describe('the accepting pipeline', () => {
  it('T-ORDER-2 PUBACKs leave in the order of the publishes, whatever each of them takes', async () => {
    const { socket, packets } = await rawConnect()
    const base = Date.now() - 100_000
    // One chunk: readings, unreadable ones, new series, texts, and a duplicate that forces the slow path.
    const payloads = Array.from({ length: 500 }, (_, i) => {
      if (i % 7 === 3) return 'unreadable'
      if (i % 50 === 9) return `{"ts":${base},"values":{"a":1}}`
      return `{"ts":${base + i},"values":{"a":${i},"m${i % 40}":"text"}}`
    })
    socket.write(Buffer.concat(payloads.map((payload, i) => publish(i + 1, payload))))
    await waitFor('all PUBACKs', () => packets.length === payloads.length)
    expect(ids(packets)).toEqual(payloads.map((_, i) => i + 1))
    socket.destroy()
  })

  it('T-QOS0-1 QoS 0 then DISCONNECT in one breath is stored, as mosquitto_pub sends it', async () => {
    const { socket } = await rawConnect()
    const ts = Date.now()
    socket.end(
      Buffer.concat([publish(0, `{"ts":${ts},"values":{"a":1}}`, 0), generate({ cmd: 'disconnect' })]),
    )
    await waitFor('the reading', async () => (await storedTimes()).includes(ts))
  })

  it('T-QOS2-1 a PUBLISH sent twice before PUBREL is one reading, even without a ts', async () => {
    const { socket, packets } = await rawConnect()
    socket.write(publish(9, '{"a":1}', 2))
    await waitFor('PUBREC', () => packets.length === 1)
    socket.write(
      generate({
        cmd: 'publish',
        topic: topics.telemetry(device),
        payload: '{"a":1}',
        qos: 2,
        messageId: 9,
        dup: true,
        retain: false,
      }),
    )
    await waitFor('a second PUBREC', () => packets.length === 2)
    socket.write(generate({ cmd: 'pubrel', messageId: 9 }))
    await waitFor('PUBCOMP', () => packets.length === 3)
    expect(packets.map(({ cmd }) => cmd)).toEqual(['pubrec', 'pubrec', 'pubcomp'])
    expect((await storedTimes()).length).toBe(1)
    socket.destroy()
  })

  it('T-AWAY-1 what is neither in the database nor on disk is not acknowledged, and nothing is lost', async () => {
    const { socket, packets } = await rawConnect()
    socket.write(publish(1, '{"ts":1700,"values":{"warm":1}}'))
    await waitFor('the first PUBACK', () => packets.length === 1)
    const blocker = await database.pool.connect()
    await blocker.query('BEGIN; LOCK TABLE reading IN ACCESS EXCLUSIVE MODE')
    const lockedMs = performance.now()
    const base = Date.now() - 100_000
    for (let i = 0; i < 200; i++) socket.write(publish(i + 2, `{"ts":${base + i},"values":{"a":1}}`))
    const other = await connectAsync(broker.url, {
      ...(await registerDevice(database.pool, `${device}o`)),
      reconnectPeriod: 0,
    })
    // From then on they are on disk, if the machine was slow.
    if (performance.now() - lockedMs < limits.spool.engageAfterMs) expect(packets.length).toBe(1)
    await blocker.query('ROLLBACK')
    blocker.release()
    await waitFor('every PUBACK', () => packets.length === 201)
    await waitFor('every reading', async () => (await storedTimes()).length === 200)
    await other.endAsync()
    socket.destroy()
  })

  it('T-AWAY-2 connections cut inside a commit: every acknowledged reading is there, once', async () => {
    const { socket, packets } = await rawConnect()
    const base = Date.now() - 100_000
    const total = 3_000
    let sent = 0
    while (sent < total) {
      const chunk = Array.from({ length: 100 }, () =>
        publish((sent % 60_000) + 1, `{"ts":${base + sent++},"values":{"a":1}}`),
      )
      socket.write(Buffer.concat(chunk))
      await database.pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name IN ('telltale-writer', 'telltale-broker')`,
      )
    }
    await waitFor('every PUBACK', () => packets.length === total, 25_000)
    expect(ids(packets)).toEqual(Array.from({ length: total }, (_, i) => i + 1))
    expect(await storedTimes()).toEqual(Array.from({ length: total }, (_, i) => base + i))
    socket.destroy()
  })

  it('T-KILL-1 kill -9 under load: acknowledged and missing = 0', async () => {
    const { socket, packets } = await rawConnect()
    const base = Date.now() - 100_000
    let sent = 0
    const feed = setInterval(() => {
      for (let i = 0; i < 50; i++) socket.write(publish(++sent, `{"ts":${base + sent},"values":{"a":1}}`))
    }, 2)
    await waitFor('some PUBACKs', () => packets.length > 500)
    await broker.program.kill()
    clearInterval(feed)
    const stored = new Set(await storedTimes())
    const missing = ids(packets).filter((id) => !stored.has(base + (id ?? 0)))
    expect(missing).toEqual([])
    await broker.restart()
  })

  it('T-TERM-1 SIGTERM under load: what was read is stored and acknowledged, and it ends cleanly', async () => {
    const { socket, packets } = await rawConnect()
    const base = Date.now() - 100_000
    let sent = 0
    const feed = setInterval(() => {
      for (let i = 0; i < 50; i++) socket.write(publish(++sent, `{"ts":${base + sent},"values":{"a":1}}`))
    }, 2)
    await waitFor('some PUBACKs', () => packets.length > 500)
    // Data we sent and it no longer reads may make this a reset.
    const closed = new Promise((resolve) => socket.once('close', resolve))
    expect(await broker.program.stop()).toBe(0)
    await closed
    clearInterval(feed)
    const stored = new Set(await storedTimes())
    expect(ids(packets).filter((id) => !stored.has(base + (id ?? 0)))).toEqual([])
    await broker.restart()
  })
})

describe('ways in', () => {
  it.skipIf(toolMissing('mosquitto_pub'))('T-CLIENT-1 mosquitto_pub, as a newcomer pastes it', async () => {
    const { username, password } = credentials
    const args = ['-h', '127.0.0.1', '-p', String(broker.port), '-u', username, '-P', password]
    await run('mosquitto_pub', [
      ...args,
      '-q',
      '1',
      '-t',
      topics.telemetry(device),
      '-m',
      '{"temperature":21.5}',
    ])
    expect((await storedTimes()).length).toBe(1)
    await run('mosquitto_pub', [
      ...args,
      '-V',
      'mqttv31',
      '-q',
      '2',
      '-t',
      topics.metric(device, 'rh'),
      '-m',
      '64',
    ])
    expect((await storedTimes()).length).toBe(2)
    const wrong = run('mosquitto_pub', [
      ...args.slice(0, 6),
      '-P',
      'wrong',
      '-t',
      topics.telemetry(device),
      '-m',
      '{}',
    ])
    // The CONNACK code: bad user name or password.
    await expect(wrong).rejects.toMatchObject({ code: 4 })
  })

  it('T-WS-1 MQTT over WebSocket on /mqtt', async () => {
    const client = await connectAsync(`ws://127.0.0.1:${broker.wsPort}/mqtt`, {
      ...credentials,
      reconnectPeriod: 0,
    })
    await client.publishAsync(topics.telemetry(device), '{"a":1}', { qos: 1 })
    expect((await storedTimes()).length).toBe(1)
    await client.endAsync()
  })

  it('T-WS-3 a malformed frame ends its own connection, with and without the subprotocol', async () => {
    for (const protocol of ['Sec-WebSocket-Protocol: mqtt\r\n', '']) {
      const socket = connect(broker.wsPort, '127.0.0.1')
      socket.on('error', () => {})
      socket.write(
        `GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${protocol}` +
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
      )
      await once(socket, 'data')
      socket.resume()
      socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]))
      await new Promise((resolve) => socket.once('close', resolve))
    }
    const client = await connectAsync(broker.url, { ...credentials, reconnectPeriod: 0 })
    await client.endAsync()
  })

  it('T-WS-2 text frames and other subprotocols are refused', async () => {
    const text = new WebSocket(`ws://127.0.0.1:${broker.wsPort}/mqtt`, 'mqtt')
    await once(text, 'open')
    text.send('hello')
    expect((await once(text, 'close'))[0]).toBe(1003)
    const other = new WebSocket(`ws://127.0.0.1:${broker.wsPort}/mqtt`, 'chat')
    await expect(once(other, 'open')).rejects.toThrow()
  })
})
