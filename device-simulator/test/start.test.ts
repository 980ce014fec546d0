import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { topics } from '@telltale/broker/contract'
import { isFree } from '@telltale/infra/testing/ports'
import { processesOf } from '@telltale/infra/testing/processes'
import {
  type Block,
  createSite,
  type Product,
  pidOf,
  postmasterPid,
  type Site,
  startProduct,
} from '@telltale/infra/testing/product'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import { type SignedIn, signIn, trySignIn } from './session.ts'

const run = promisify(execFile)
const DEMO_DEVICES = 8
const STOP_DEADLINE_MS = 10_000
/** A second start finds the database initialised; the first takes about twice as long. */
const SECOND_START_DEADLINE_MS = 10_000

let site: Site
let product: Product
let block: Block
let user: SignedIn

const start = async (...args: string[]) => {
  product = startProduct(site, { args })
  block = await product.block()
}

beforeAll(async () => {
  site = await createSite()
  await start()
  user = await signIn(site.dashboard, { username: 'admin', password: block.password })
})
beforeEach(() => {
  onTestFailed(() => console.error(product.output()))
})
afterAll(() => site?.remove())

type Fleet = { total: number; online: number; silent: number }
const fleet = () => user.get<Fleet>('/fleet')

type DescribedType = { name: string; label: string; metrics: object; commands: object; devices: number }

type Latest = { values: Record<string, { value: unknown; time: number } | undefined> }
const latest = async (device: string) => (await user.get<Latest>(`/devices/${device}/latest`)).values

/** The printed device, as a client that comes back by itself. */
async function connectHello(): Promise<MqttClient> {
  const [, username = ''] = / -u (\S+)/.exec(block.publishLine) ?? []
  const [, password = ''] = / -P '([^']+)'/.exec(block.publishLine) ?? []
  return connectAsync(site.broker, { username, password, reconnectPeriod: 100, clientId: 'hello' })
}

describe('the first start', () => {
  it('O-START-1 prints one block, with everything a newcomer needs', () => {
    const text = product.stdout()
    expect(text.match(/Telltale is running/g)).toHaveLength(1)
    expect(text).toContain(`${site.dashboard}/sign-in#link=${block.link}`)
    expect(text).toContain(site.broker)
    expect(block.publishLine).toMatch(/^mosquitto_pub /)
    expect(block.password).toHaveLength(16)
  })

  it('O-START-2 the printed link signs in once, and only once', async () => {
    const first = await trySignIn(site.dashboard, { link: block.link })
    expect(first.status).toBe(200)
    expect(await first.json()).toMatchObject({ user: { username: 'admin', role: 'admin' } })
    const second = await trySignIn(site.dashboard, { link: block.link })
    expect(second.status).toBe(401)
    expect(await second.json()).toMatchObject({ code: 'link_used' })
  })

  it.skipIf(toolMissing('mosquitto_pub'))(
    'O-START-3 the printed mosquitto_pub line stores a reading, as it stands',
    async () => {
      const before = Date.now()
      await run('sh', ['-c', block.publishLine], { timeout: 10_000 })
      const { temperature } = await latest('hello')
      expect(temperature?.value).toBe(21.5)
      expect(temperature?.time).toBeGreaterThanOrEqual(before)
    },
  )

  it('O-START-4 the demo fleet comes online', async () => {
    await waitFor('the fleet', async () => (await fleet()).online >= DEMO_DEVICES, 20_000)
  })

  it('O-START-13 the types of the demo fleet are described, in words the API itself would take', async () => {
    const { items } = await user.get<{ items: DescribedType[] }>('/types')
    expect(items.map(({ name, devices }) => [name, devices > 0])).toEqual([
      ['cold-room', true],
      ['greenhouse-climate', true],
      ['pump', true],
    ])
    for (const { name, label, metrics, commands } of items)
      await user.send('PUT', `/types/${name}`, { label, metrics, commands })
  })
})

describe('one of its programs is killed', () => {
  it('O-START-5 kill -9 of the broker: it comes back, and the fleet with it', async () => {
    const killed = await pidOf(site, 'broker')
    process.kill(killed, 'SIGKILL')
    await waitFor('another broker', async () => {
      const pid = await pidOf(site, 'broker').catch(() => killed)
      return pid !== killed && !(await isFree(site.mqtt))
    })
    const backAt = Date.now()
    await waitFor(
      'readings of the fleet',
      async () => {
        const { temperature } = await latest('bay-01')
        return (temperature?.time ?? 0) > backAt && (await fleet()).online >= DEMO_DEVICES
      },
      30_000,
    )
  })

  it('O-START-6 kill -9 of the embedded PostgreSQL: it comes back, and readings flow again', async () => {
    const hello = await connectHello()
    const killed = await waitFor('its server', () => postmasterPid(site))
    process.kill(killed, 'SIGKILL')
    // Accepted now or when the database is back: acknowledged means stored either way.
    await hello.publishAsync(topics.telemetry('hello'), '{"survived":1}', { qos: 1 })
    await hello.endAsync()
    await waitFor('another server', () => {
      const pid = postmasterPid(site)
      return pid !== undefined && pid !== killed
    })
    await waitFor('the reading', async () =>
      latest('hello').then(
        ({ survived }) => survived?.value === 1,
        () => false,
      ),
    )
  })
})

describe('stopping and starting again', () => {
  it('O-START-7 a second start on the same data folder names the first one', async () => {
    const second = await createSite()
    const other = startProduct({ ...second, dataDir: site.dataDir })
    expect(await other.exitCode()).toBe(1)
    expect(other.output()).toMatch(
      new RegExp(`the data folder ${site.dataDir} is in use .* ${product.process.pid};`),
    )
    await second.remove()
  })

  it('O-START-8 Ctrl-C ends everything within 10 seconds and leaves no process', async () => {
    const { code, tookMs } = await product.stop('SIGINT')
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(STOP_DEADLINE_MS)
    expect(await processesOf(site.dataDir)).toEqual([])
    expect(await Promise.all([site.http, site.mqtt, site.ws].map(isFree))).toEqual([true, true, true])
  })

  it('O-START-9 a second start is quick, keeps all data, and prints the same line', async () => {
    const { publishLine } = block
    const startedMs = performance.now()
    await start('--no-demo')
    expect(performance.now() - startedMs).toBeLessThan(SECOND_START_DEADLINE_MS)
    expect(block.publishLine).toBe(publishLine)
    expect(block.password).toBe('')
    expect((await latest('hello')).survived?.value).toBe(1)
    expect((await fleet()).total).toBe(DEMO_DEVICES + 1)
  })

  it('O-START-10 --no-demo starts no fleet', async () => {
    await expect(pidOf(site, 'device-simulator')).rejects.toThrow('does not run')
    expect(await fleet()).toMatchObject({ online: 0, silent: 0 })
  })

  it('O-START-11 kill -9 of npm start ends its programs, and the next start works', async () => {
    process.kill(product.process.pid ?? 0, 'SIGKILL')
    await product.exitCode()
    await waitFor('the end of broker and API', async () => {
      const left = await processesOf(site.dataDir)
      return !left.some(({ command }) => command.includes('main.js'))
    })
    await start('--no-demo')
    expect((await latest('hello')).survived?.value).toBe(1)
    expect((await product.stop('SIGTERM')).code).toBe(0)
    expect(await processesOf(site.dataDir)).toEqual([])
  })
})
