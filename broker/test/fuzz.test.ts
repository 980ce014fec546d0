import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import {
  registerDevice,
  registerIntegration,
  startTestBroker,
  type TestBroker,
} from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { random } from '@telltale/infra/testing/random'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FuzzReport, fuzz } from './fuzz.ts'
import { fuzzSession } from './mutations.ts'
import { type Identity, randomConnect } from './packets.ts'
import { Witness, type WitnessReport } from './witness.ts'

/** By hand as long as asked, with a seed that failed or a new one. */
const seconds = Number(process.env.TELLTALE_FUZZ_SECONDS ?? 15)
const seed = Number(process.env.TELLTALE_FUZZ_SEED ?? Date.now() % 1_000_000_000)
const DEVICES = 10
const RSS_MB_MAX = 512

let database: TestDatabase
let broker: TestBroker
let pid: number | undefined
let report: FuzzReport
let seen: WitnessReport

beforeAll(
  async () => {
    console.log(`fuzz: TELLTALE_FUZZ_SEED=${seed} TELLTALE_FUZZ_SECONDS=${seconds}`)
    database = await createTestDatabase()
    // Everybody comes from one address here, and again and again.
    broker = await startTestBroker(database.url, {
      TELLTALE_DEVICE_CONNECTS_PER_MINUTE: '100000',
      TELLTALE_LOG_LEVEL: 'error',
    })
    pid = broker.program.process.pid
    const identities = await register()
    const witness = await Witness.connect(broker.url, await registerDevice(database.pool, 'witness'))
    witness.start()
    const { port, wsPort } = broker
    report = await fuzz({ port, wsPort, identities, isAlive }, { seed, seconds })
    seen = await witness.report()
    await witness.end()
    console.log('fuzz:', { ...report, lastSeeds: undefined }, seen, `peak ${peakMb()} MB`)
  },
  (seconds + 60) * 1_000,
)
afterAll(async () => {
  expect(await broker?.program.stop()).toBe(0)
  await database?.drop()
})

const isAlive = () => broker.program.process.exitCode === null && broker.program.process.signalCode === null

async function register(): Promise<Identity[]> {
  const identities: Identity[] = []
  for (let i = 0; i < DEVICES; i++) {
    const credentials = await registerDevice(database.pool, `fuzz-${i}`)
    identities.push({ ...credentials, root: `devices/fuzz-${i}` })
  }
  const integration = await registerIntegration(database.pool, 'fuzz')
  return [...identities, { ...integration, root: 'lab' }]
}

/** The most memory the broker ever had; undefined where the system does not tell. */
function peakMb(): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1_024)
  } catch {
    return undefined
  }
}

describe('mutated sessions', () => {
  it('M-FUZZ-1 are decided by their seed alone', () => {
    const identities = [{ username: 'a', password: 'b', root: 'devices/a' }]
    const bytes = (n: number) => Buffer.concat(fuzzSession(random(n), identities).pieces)
    for (let n = seed; n < seed + 200; n++) expect(bytes(n).equals(bytes(n))).toBe(true)
    expect(bytes(seed).equals(bytes(seed + 1))).toBe(false)
  })

  it('M-FUZZ-2 do not end the broker', async () => {
    const story = `one of ${report.lastSeeds.join(' ')}\n${broker.program.output()}`
    expect(isAlive(), story).toBe(true)
    expect(broker.program.process.pid).toBe(pid)
    const late = await Witness.connect(broker.url, await registerDevice(database.pool, 'late'))
    late.start()
    await waitFor('a reading of somebody new', async () => (await countOf('late')) > 0)
    expect((await late.report()).losses).toEqual([])
    await late.end()
  })

  it(`M-FUZZ-3 leave it below ${RSS_MB_MAX} MB`, () => {
    const peak = peakMb()
    if (peak !== undefined) expect(peak).toBeLessThan(RSS_MB_MAX)
  })

  it('M-FUZZ-4 do not disturb a client that does everything right: all it sent is acknowledged and stored', async () => {
    expect(seen.losses).toEqual([])
    expect(seen.sent).toBeGreaterThan(10 * seconds)
    expect(seen.acknowledged).toBe(seen.sent)
    expect(await countOf('witness')).toBe(seen.sent)
  })

  it('M-FUZZ-5 get through every door, and far enough', () => {
    expect(report.sessions).toBeGreaterThan(10 * seconds)
    const { tcp, ws, raw } = report.ways
    for (const count of [tcp, ws, raw]) expect(count).toBeGreaterThan(report.sessions / 50)
    // A busy machine is slow to look secrets up, and most do not wait for that.
    expect(report.accepted).toBeGreaterThan(seconds)
    expect(report.ended).toBeGreaterThan(report.sessions / 10)
  })

  it('M-FUZZ-6 leave nobody online who is gone', async () => {
    await expectOffline('fuzz-')
  })
})

it('M-FUZZ-7 a device that hangs up right behind its CONNECT is not online', async () => {
  const names = Array.from({ length: 300 }, (_, i) => `hasty-${i}`)
  const packets: Buffer[] = []
  for (const name of names) {
    const identity = { ...(await registerDevice(database.pool, name)), root: `devices/${name}` }
    packets.push(randomConnect(random(seed), identity, { clean: false, clientId: name }))
  }
  // From before the look-up of its secret to after its CONNACK.
  await Promise.all(packets.map((packet, i) => hangUp(packet, i / 2)))
  await expectOffline('hasty-')
})

async function hangUp(packet: Buffer, afterMs: number): Promise<void> {
  const socket = connect(broker.port, '127.0.0.1').on('error', () => {})
  await once(socket, 'connect')
  socket.write(packet)
  await new Promise((resolve) => setTimeout(resolve, afterMs))
  socket.destroy()
}

async function expectOffline(prefix: string): Promise<void> {
  // Rows are written in the order of the connects: with that of one who came later, theirs are there too.
  const later = await Witness.connect(broker.url, await registerDevice(database.pool, `after-${prefix}`))
  await waitFor('the row of one who came later', async () => (await online(`after-${prefix}`)).length === 1)
  await later.end()
  let left: string[] = []
  await waitFor('everybody to be offline', async () => {
    left = await online(prefix)
    return left.length === 0
  }).catch(() => {})
  expect(left).toEqual([])
}

async function online(prefix: string): Promise<string[]> {
  const { rows } = await database.pool.query<{ id: string }>(
    'SELECT device_id AS id FROM session WHERE disconnected_at IS NULL AND starts_with(device_id, $1)',
    [prefix],
  )
  return rows.map(({ id }) => id)
}

async function countOf(deviceId: string): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM reading JOIN series ON series.id = reading.series_id
      WHERE series.device_id = $1`,
    [deviceId],
  )
  return rows[0]?.count ?? 0
}
