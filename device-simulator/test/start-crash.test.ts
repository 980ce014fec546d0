import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { topics } from '@telltale/broker/contract'
import { limits } from '@telltale/infra/limits'
import { processesOf } from '@telltale/infra/testing/processes'
import { createSite, type Product, pidOf, type Site, startProduct } from '@telltale/infra/testing/product'
import { startProgram } from '@telltale/infra/testing/program'
import { waitFor } from '@telltale/infra/testing/wait'
import { connectAsync } from 'mqtt'
import { afterAll, beforeAll, beforeEach, expect, it, onTestFailed } from 'vitest'

const STOP_DEADLINE_MS = 10_000
/** For a machine that does other things too: a start takes some 3 s. */
const STARTS_WITHIN_MS = 60_000

let site: Site
let product: Product
let stranger: ChildProcess

const file = (...names: string[]) => join(site.dataDir, ...names)

/** Starts it on what is in the folder now, and has the printed device store a reading. */
async function startAndPublish(): Promise<void> {
  product = startProduct(site, { args: ['--no-demo'] })
  const { publishLine } = await product.block()
  const [, username = ''] = / -u (\S+)/.exec(publishLine) ?? []
  const [, password = ''] = / -P '([^']+)'/.exec(publishLine) ?? []
  const device = await connectAsync(site.broker, { username, password, reconnectPeriod: 0 })
  await device.publishAsync(topics.telemetry(username), '{"a":1}', { qos: 1 })
  await device.endAsync()
}

async function killEverything(): Promise<void> {
  await waitFor('the end of everything', async () => {
    const left = await processesOf(site.dataDir)
    for (const { pid } of left) signal(pid, 'SIGKILL')
    return left.length === 0
  })
  await product.exitCode()
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended by itself between the look and the kill.
  }
}

beforeAll(async () => {
  site = await createSite()
  stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  await startAndPublish()
})
beforeEach(() => {
  onTestFailed(() => console.error(product.output()))
})
afterAll(async () => {
  stranger?.kill('SIGKILL')
  await site?.remove()
})

it('R-START-5 a broker by itself on the data folder of a running Telltale names who holds it', async () => {
  const broker = await pidOf(site, 'broker')
  const starting = startProgram('broker', {
    TELLTALE_DATABASE_URL: await databaseUrl(),
    TELLTALE_PLATFORM_SECRET: 'of-this-test-only',
    TELLTALE_DATA_DIR: site.dataDir,
    TELLTALE_MQTT_PORT: '1',
    TELLTALE_MQTT_WS_PORT: '2',
  })
  await expect(starting).rejects.toThrow(
    `telltale: the spool ${file('spool')} is in use by the Telltale with process id ${broker}; `,
  )
})

/** Of the running embedded server. */
async function databaseUrl(): Promise<string> {
  const password = (await readFile(file('postgres-password'), 'utf8')).trim()
  const port = (await readFile(file('postgres', 'postmaster.pid'), 'utf8')).split('\n')[3]
  return `postgres://telltale:${password}@127.0.0.1:${port}/telltale`
}

it(
  'R-START-6 kill -9 of everything, lock files with anything in them, secrets half written: it starts',
  async () => {
    await killEverything()
    await writeFile(file('telltale.pid'), 'garbage')
    await writeFile(file('spool', 'telltale.pid'), '')
    await writeFile(file('postgres', 'postmaster.pid'), '')
    await writeFile(file('postgres-password'), '')
    await writeFile(file('platform-secret'), '\n')
    await writeFile(file('simulator-token.new'), 'half')
    expect(existsSync(file('sessions', 'LOCK'))).toBe(true)
    await startAndPublish()
  },
  STARTS_WITHIN_MS,
)

it(
  'R-START-7 kill -9 of everything, and its process ids belong to somebody else now: it starts, and ends nobody',
  async () => {
    await killEverything()
    const { pid } = stranger
    const [, ...rest] = (await readFile(file('postgres', 'postmaster.pid'), 'utf8')).split('\n')
    await writeFile(file('postgres', 'postmaster.pid'), [pid, ...rest].join('\n'))
    const [, birth] = (await readFile(file('telltale.pid'), 'utf8')).split(' ')
    await writeFile(file('telltale.pid'), `${pid} ${birth}`)
    await writeFile(file('spool', 'telltale.pid'), `${pid} ${birth}`)
    await startAndPublish()
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull()
  },
  STARTS_WITHIN_MS,
)

it('R-START-8 a broker that dies again and again: it says how often and how long it waits, and Ctrl-C works', async () => {
  await rename(file('sessions'), file('sessions.aside'))
  await writeFile(file('sessions'), 'no folder')
  signal(await pidOf(site, 'broker'), 'SIGKILL')
  const words =
    /the broker ended \(exit code 1\); starting it again in \d\.\d s; that was 3 times in a row, .*broker\.log/
  await waitFor('the third time', () => words.test(product.output()), 20_000)
  const { code, tookMs } = await product.stop('SIGINT')
  expect(code).toBe(0)
  expect(tookMs).toBeLessThan(STOP_DEADLINE_MS)
  expect(await processesOf(site.dataDir)).toEqual([])
  await rm(file('sessions'))
  await rename(file('sessions.aside'), file('sessions'))
})

it(
  'R-START-9 a password of the database that is not its own: the file to delete is named, and then it starts',
  async () => {
    await writeFile(file('postgres-password'), 'another')
    const refused = startProduct(site, { args: ['--no-demo'] })
    expect(await refused.exitCode()).toBe(1)
    expect(refused.output()).toContain(
      `telltale: ${file('postgres-password')} is not the password of the embedded PostgreSQL; delete it and start again\n`,
    )
    await rm(file('postgres-password'))
    await startAndPublish()
  },
  STARTS_WITHIN_MS,
)

it('R-STOP-6 a second Ctrl-C a moment after the first ends npm start at once; one that comes twice does not', async () => {
  const broker = await pidOf(site, 'broker')
  signal(broker, 'SIGSTOP')
  const startedMs = performance.now()
  // Its programs still have the terminal after its end.
  const exited = once(product.process, 'exit')
  for (let times = 0; times < 2; times++) product.process.kill('SIGINT')
  await waitFor('a moment', () => performance.now() - startedMs > limits.service.repeatedSignalMs + 100)
  expect(product.process.exitCode).toBeNull()
  product.process.kill('SIGINT')
  expect((await exited)[0]).toBe(1)
  expect(performance.now() - startedMs).toBeLessThan(limits.service.programStopDeadlineMs.broker)
  signal(broker, 'SIGCONT')
  await waitFor('the broker to end by itself', async () => {
    return !(await processesOf(site.dataDir)).some(({ pid }) => pid === broker)
  })
})
