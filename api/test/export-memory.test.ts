import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { openEngine } from '@telltale/infra/storage/engine'
import { resolveSeries } from '@telltale/infra/storage/series'
import { createToken } from '@telltale/infra/storage/tokens'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { quietPort } from '@telltale/infra/testing/ports'
import { type Program, startProgram } from '@telltale/infra/testing/program'
import { afterAll, beforeAll, expect, it } from 'vitest'

const READINGS = 600_000
const MEBIBYTE = 1024 * 1024
/** Nothing kept: less than 1; the text of all lines: at least 7; all rows: it runs out of memory. */
const GROWTH_BYTES_MAX = 4 * MEBIBYTE

let database: TestDatabase
let program: Program
let url: string
let authorization: string
const start = Date.now() - 2 * 3_600_000

beforeAll(async () => {
  database = await createTestDatabase()
  const { pool } = database
  await pool.query(`INSERT INTO device (id, name) VALUES ('dense', '')`)
  const wanted = ['a', 'b', 'c'].map((metric) => ({ deviceId: 'dense', metric, kind: 'number' as const }))
  const series = await resolveSeries(pool, wanted)
  await (await openEngine(pool)).cover([start, start + READINGS])
  await pool.query(
    `INSERT INTO reading SELECT id, $1::timestamptz + n * interval '1 millisecond', n / 7.0
     FROM unnest($2::int4[]) AS s(id), generate_series(1, $3) AS n`,
    [new Date(start), series.map((one) => one?.id), READINGS / 3],
  )
  const port = await quietPort()
  program = await startProgram('api', {
    TELLTALE_DATABASE_URL: database.url,
    TELLTALE_HTTP_PORT: String(port),
    TELLTALE_BROKER_URL: 'mqtt://127.0.0.1:1',
    TELLTALE_MQTT_PORT: '1883',
    TELLTALE_PLATFORM_SECRET: randomBytes(32).toString('hex'),
    TELLTALE_ADMIN_PASSWORD: randomBytes(12).toString('hex'),
    // How much garbage V8 lets lie depends on how busy the machine is, unless it has little room.
    NODE_OPTIONS: '--max-semi-space-size=1 --max-old-space-size=64',
  })
  url = `http://127.0.0.1:${port}/api/v1/devices/dense/readings`
  const { token } = await createToken(pool, { name: 'test', role: 'viewer', createdBy: 'test' })
  authorization = `Bearer ${token}`
})
afterAll(async () => {
  await program.stop()
  await database.drop()
})

async function residentBytes(): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(program.process.pid)])
  return Number(stdout) * 1024
}

/** Takes the export a little slower than it could be made; the most memory meanwhile. */
async function takeExport(metrics: string): Promise<{ lines: number; bytesMax: number }> {
  const path = `${url}?metrics=${metrics}&from=${start}&to=${start + READINGS}`
  const answer = await fetch(path, { headers: { authorization, accept: 'text/csv' } })
  let lines = 0
  let bytesMax = 0
  let chunks = 0
  for await (const chunk of answer.body ?? []) {
    for (const byte of chunk) if (byte === 10) lines++
    if (chunks++ % 10 === 0) bytesMax = Math.max(bytesMax, await residentBytes())
  }
  return { lines, bytesMax }
}

it('T-EXPORT-5 memory does not grow with the length of an export', async () => {
  // The first one also makes the process load what every export needs.
  const short = await takeExport('a')
  expect(short.lines).toBe(1 + READINGS / 3)
  const long = await takeExport('a,b,c')
  expect(long.lines).toBe(1 + READINGS)
  expect(long.bytesMax - short.bytesMax).toBeLessThan(GROWTH_BYTES_MAX)
})
