import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Releases } from '@telltale/infra/service'
import { startTestApi, type TestApiProgram } from '@telltale/infra/testing/api'
import { startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import { compare } from './fleet-ledger.ts'
import { type Printed, type Simulator, simulate } from './simulator.ts'

const releases = new Releases()
let database: TestDatabase
let broker: TestBroker
let api: TestApiProgram
let dataDir = ''
let running: Simulator[] = []

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'telltale-fleet-'))
  releases.add('data folder', () => rm(dataDir, { recursive: true, force: true }))
  database = await createTestDatabase()
  releases.add('database', () => database.drop())
  broker = await startTestBroker(database.url)
  releases.add('broker', () => broker.program.stop())
  api = await startTestApi(database, broker)
  releases.add('api', () => api.program.stop())
})
beforeEach(() => {
  running = []
  onTestFailed(async () => {
    for (const simulator of running) {
      simulator.process.kill('SIGKILL')
      console.error((await simulator.ended).stderr)
    }
    console.error(broker.program.output(), api.program.output())
  })
})
afterAll(() => releases.run())

/** With a fleet of its own: ids begin with `prefix`. */
function fleet(prefix: string, ...args: string[]): Simulator {
  const addresses = ['--url', broker.url, '--api', api.url]
  const simulator = simulate([...addresses, '--prefix', prefix, '--print', ...args], {
    TELLTALE_TOKEN: api.token,
    TELLTALE_DATA_DIR: join(dataDir, prefix),
  })
  running.push(simulator)
  return simulator
}

describe('the ledger of a fleet', () => {
  it('O-FLEET-1 everything sent is acknowledged, everything acknowledged is stored, nothing else is', async () => {
    const { ended } = fleet(
      'plain',
      '--devices',
      '20',
      '--interval',
      '200ms',
      '--seed',
      '7',
      '--duration',
      '4s',
    )
    const { code, summary, messages } = await ended
    expect(code).toBe(0)
    expect(summary).toMatchObject({ devices: 20, connects: 20, lost: 0, problems: 0, backlogDropped: 0 })
    expect(summary?.messages).toBeGreaterThan(100)
    expect(summary?.acked).toBe(summary?.messages)
    const found = await compare(database.pool, messages)
    expect(found).toMatchObject({ missing: [], invented: [], rejected: 0 })
    expect(found.stored).toBe(summary?.readings)
  })

  it('O-FLEET-2 chaos, and a broker killed in the middle: acknowledged and missing = 0', async () => {
    const simulator = fleet(
      'chaos',
      ...['--devices', '20', '--interval', '50ms', '--seed', '11', '--duration', '8s', '--chaos'],
    )
    await waitFor('traffic', () => simulator.messages.length > 500)
    await broker.program.kill()
    await broker.restart()
    const { code, summary, messages } = await simulator.ended
    expect(code).toBe(0)
    expect(summary?.lost).toBeGreaterThanOrEqual(20)
    expect(summary?.duplicates).toBeGreaterThan(0)
    expect(summary?.garbage).toBeGreaterThan(0)
    const { missing, invented, rejected } = await compare(database.pool, messages)
    // What never got its PUBACK may be missing, and not one message more.
    const unacknowledged = (summary?.messages ?? 0) - (summary?.acked ?? 0)
    expect(missing.length, JSON.stringify(missing.slice(0, 3))).toBeLessThanOrEqual(unacknowledged)
    expect(invented).toEqual([])
    expect(rejected).toBeGreaterThan(0)
  })
})

describe('the simulated signals', () => {
  it('O-FLEET-3 the same seed gives the same values at the same times, another seed does not', async () => {
    const run = (prefix: string, seed: string) =>
      fleet(prefix, ...['--devices', '5', '--interval', '10ms', '--seed', seed])
    const [one, two, other] = [run('one', '7'), run('two', '7'), run('other', '8')]
    await waitFor('moments that all three have measured', () => {
      return Math.min(shared(one, two).length, shared(one, other).length) > 20
    })
    const all = [one, two, other]
    for (const { process } of all) process.kill('SIGTERM')
    expect((await Promise.all(all.map(({ ended }) => ended))).map(({ code }) => code)).toEqual([0, 0, 0])
    expect(shared(one, two).filter(([a, b]) => a !== b)).toEqual([])
    expect(shared(one, other).some(([a, b]) => a !== b)).toBe(true)
  })
})

/** Messages of the same device of two fleets, of the same millisecond; backlogs, which hold several, are left out. */
function shared(a: Simulator, b: Simulator): [string, string][] {
  const moment = ({ deviceId, payload }: Printed) => {
    const time = /^\{"ts":(\d+)/.exec(payload)?.[1]
    return time && `${deviceId.slice(deviceId.indexOf('-'))} ${time}`
  }
  const known = new Map(a.messages.map((message) => [moment(message), message.payload]))
  return b.messages.flatMap((message) => {
    const twin = moment(message) && known.get(moment(message))
    return twin ? [[twin, message.payload] as [string, string]] : []
  })
}

describe('commands', () => {
  it('C-FLEET-1 a command through API, dispatcher, broker and device succeeds', async () => {
    const simulator = fleet('led', '--devices', '1', '--profile', 'greenhouse')
    await waitFor('the device', async () => {
      const { body } = await api.call('GET /devices/led-bay-01')
      return (body as { presence?: { status: string } }).presence?.status === 'online'
    })
    expect(await commandResult('led-bay-01', { name: 'set-led', params: { on: true } })).toMatchObject({
      status: 'succeeded',
      result: { on: true },
    })
    expect(await commandResult('led-bay-01', { name: 'set-led', params: { on: 'yes' } })).toMatchObject({
      status: 'rejected',
      error: 'on must be true or false',
    })
    expect(await commandResult('led-bay-01', { name: 'dance' })).toMatchObject({
      status: 'rejected',
      error: 'unknown command',
    })
    simulator.process.kill('SIGTERM')
    const { code, summary } = await simulator.ended
    expect([code, summary?.commands]).toEqual([0, 3])
  })
})

async function commandResult(deviceId: string, command: unknown): Promise<unknown> {
  const { status, body } = await api.call(`POST /devices/${deviceId}/commands`, command)
  expect(status).toBe(202)
  return waitFor('the reply', async () => {
    const { body: now } = await api.call(`GET /commands/${(body as { id: string }).id}`)
    return (now as { finishedAt: string | null }).finishedAt !== null && now
  })
}

describe('exit codes', () => {
  it('O-FLEET-4 SIGINT says goodbye for every device and exits with 130', async () => {
    const simulator = fleet('int', '--devices', '5', '--interval', '100ms')
    await waitFor('some readings', () => simulator.messages.length > 20)
    simulator.process.kill('SIGINT')
    const { code, summary } = await simulator.ended
    expect(code).toBe(130)
    expect(summary?.acked).toBe(summary?.messages)
    await waitFor('the presence of all five', async () => {
      const { body } = await api.call('GET /devices?q=int-&status=offline')
      return (body as { items: unknown[] }).items.length === 5
    })
  })

  it('O-FLEET-5 wrong usage: everything that is wrong at once, exit code 2', async () => {
    const { code, summary, stderr } = await fleet('bad', '--devices', 'many', '--interval', '5', '--fast')
      .ended
    expect([code, summary]).toEqual([2, undefined])
    for (const wrong of ['--devices', '--interval', '--fast']) expect(stderr).toContain(wrong)
  })

  it('O-FLEET-6 no API, no broker, no right: exit code 1 and one sentence', async () => {
    const away = await fleet('away', '--api', 'http://127.0.0.1:9', '--devices', '1').ended
    expect(away).toMatchObject({ code: 1 })
    expect(away.stderr).toContain('Cannot reach the API at http://127.0.0.1:9')
    const refused = await fleet('refused', '--token', 'tt_wrong', '--devices', '1').ended
    expect(refused).toMatchObject({ code: 1 })
    expect(refused.stderr).toContain('the simulator needs a token of an operator or admin')
    const deaf = ['--url', 'mqtt://127.0.0.1:9', '--devices', '1', '--duration', '1s']
    const unheard = await fleet('deaf', ...deaf).ended
    expect(unheard).toMatchObject({ code: 1 })
    expect(unheard.stderr).toContain('no device could connect to mqtt://127.0.0.1:9')
  })
})
