import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { repositoryDir } from '../paths.ts'
import { createTestDatabase, type TestDatabase } from '../testing/database.ts'
import { quietPort } from '../testing/ports.ts'
import { transitionCommand } from './command-transitions.ts'
import { errorClasses, isDataError, isTransient, verdictOf } from './errors.ts'
import { createPool } from './pool.ts'

const withCode = (code: string) => Object.assign(new Error(`something with ${code}`), { code })

describe('what a failed query means', () => {
  it.each([
    ...['08006', '53300', '57P01', '57014', '55P03', '40001', '40P01'],
    ...['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'ENOENT', 'EMFILE'],
    ...['ERR_STREAM_DESTROYED', 'ERR_SOCKET_CLOSED', 'ERR_TLS_CERT_ALTNAME_INVALID', 'CERT_HAS_EXPIRED'],
  ])('O-TRANSIENT-1 %s passes by itself', (code) => {
    expect(isTransient(withCode(code))).toBe(true)
    expect(isDataError(withCode(code))).toBe(false)
  })

  it.each([
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'timeout expired',
    'Query read timeout',
    'Client was closed and is not queryable',
    'Received unexpected commandComplete message from backend.',
    'There was an error establishing an SSL connection',
  ])('O-TRANSIENT-1 "%s" passes by itself', (message) => {
    expect(isTransient(new Error(message))).toBe(true)
  })

  it.each([
    ...['22P05', '23514', '42703', '28P01', 'ERR_STRING_TOO_LONG', 'ERR_INVALID_ARG_VALUE'].map(withCode),
    new RangeError('Maximum call stack size exceeded'),
    new TypeError("Cannot read properties of undefined (reading 'id')"),
    Object.assign(new TypeError('no socket'), { code: 'ERR_SOCKET_BAD_PORT' }),
    new Error('nobody may publish to it: mayPublish() is wrong'),
    new Error('Cannot use a pool after calling end on the pool'),
    undefined,
  ])('O-TRANSIENT-2 %s comes again however often it is tried', (error) => {
    expect(isTransient(error)).toBe(false)
  })
})

describe('error classes', () => {
  it.each([
    ...[
      ['40001', 'retry'],
      ['08007', 'retry'],
      ['57P03', 'retry'],
      ['53100', 'retry'],
      ['25P03', 'retry'],
      ['57014', 'lighten'],
      ['53200', 'lighten'],
    ],
    ...[
      ['25006', 'mend'],
      ['25P02', 'mend'],
      ['42P01', 'mend'],
      ['28P01', 'mend'],
      ['XX001', 'mend'],
      ['P0001', 'mend'],
    ],
    ...[
      ['22P05', 'divide'],
      ['23505', 'divide'],
      ['21000', 'divide'],
      ['54000', 'divide'],
    ],
  ])('R-ERROR-1 %s: %s', (code, verdict) => {
    expect(verdictOf(withCode(code))).toBe(verdict)
  })

  it('R-ERROR-1 what has no state is a lost connection, or a fault of our own', () => {
    expect(verdictOf(withCode('ECONNRESET'))).toBe('retry')
    expect(verdictOf(new TypeError('x is undefined'))).toBe('give-up')
    const noRoom = Object.assign(withCode('23514'), {
      message: 'no partition of relation "reading" found for row',
    })
    expect(verdictOf(noRoom)).toBe('retry')
  })

  it('R-ERROR-2 the table in docs/RELIABILITY.md is the one the code goes by', () => {
    const document = readFileSync(join(repositoryDir(), 'docs', 'RELIABILITY.md'), 'utf8')
    for (const { state, verdict, what } of errorClasses)
      expect(document).toContain(`| ${state === '' ? 'other' : `\`${state}\``} | ${what} | ${verdict} |`)
  })
})

describe('what pg says of its connections', () => {
  let database: TestDatabase

  beforeAll(async () => {
    database = await createTestDatabase()
  })
  afterAll(() => database?.drop())

  it('O-TRANSIENT-1 nobody listens there', async () => {
    expect(isTransient(await failureAt(await quietPort()))).toBe(true)
  })

  it.each([
    ['hangs up', (socket: Socket) => socket.end()],
    ['resets the connection', (socket: Socket) => socket.resetAndDestroy()],
    ['says nothing', () => {}],
  ])('O-TRANSIENT-1 whoever listens there %s', async (_, answer) => {
    const sockets: Socket[] = []
    const server = createServer((socket) => {
      socket.on('error', () => {})
      sockets.push(socket)
      socket.once('data', () => answer(socket))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    expect(isTransient(await failureAt((server.address() as AddressInfo).port))).toBe(true)
    for (const socket of sockets) socket.destroy()
    await once(server.close(), 'close')
  })

  it('O-TRANSIENT-1 a connection is ended while it is used, and used again', async () => {
    const connection = await database.pool.connect()
    connection.on('error', () => {})
    const ended = new Promise((resolve) => connection.once('end', resolve))
    const endIt = connection.query('SELECT pg_terminate_backend(pg_backend_pid())')
    expect(isTransient(await endIt.catch((error: unknown) => error))).toBe(true)
    await ended
    const again = await connection.query('SELECT 1').catch((error: unknown) => error)
    connection.release(true)
    expect(String(again)).toMatch(/not queryable/)
    expect(isTransient(again)).toBe(true)
  })

  it('O-TRANSIENT-1 no connection becomes free in time', async () => {
    const pool = createPool({ url: database.url, name: 'test', max: 1, waitMs: 500 })
    const held = await pool.connect()
    const error = await pool.query('SELECT 1').catch((error: unknown) => error)
    held.release()
    await pool.end()
    expect(String(error)).toMatch(/timeout exceeded/)
    expect(isTransient(error)).toBe(true)
  })

  it('O-TRANSIENT-2 JSON too deep to be written is a fault of ours', async () => {
    let detail: unknown = []
    for (let i = 0; i < 100_000; i++) detail = [detail]
    const change = { id: 'x', deviceId: 'x', to: 'progress', detail } as const
    const error = await transitionCommand(database.pool, change).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(RangeError)
    expect(isTransient(error)).toBe(false)
  })
})

async function failureAt(port: number): Promise<unknown> {
  const pool = createPool({
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    name: 'test',
    max: 1,
    waitMs: 200,
  })
  const error = await pool.query('SELECT 1').then(
    () => 'no error',
    (error: unknown) => error,
  )
  await pool.end()
  return error
}
