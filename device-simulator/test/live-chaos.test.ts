import { setTimeout as sleep } from 'node:timers/promises'
import { Releases } from '@telltale/infra/service'
import { createToken } from '@telltale/infra/storage/tokens'
import { startTestApi, type TestApiProgram } from '@telltale/infra/testing/api'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { type CuttingProxy, startCuttingProxy } from '@telltale/infra/testing/cutting-proxy'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { random } from '@telltale/infra/testing/random'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import { openBrowser } from './browser.ts'
import {
  differences,
  type Following,
  type Known,
  PollFollower,
  SseFollower,
  storedReadings,
} from './followers.ts'
import { LivePage } from './live-page.ts'
import { startPublisher } from './publisher.ts'
import { trySignIn } from './session.ts'

/** More by hand: `TELLTALE_CHAOS_SEEDS=7,8,9`. */
const SEEDS = (process.env.TELLTALE_CHAOS_SEEDS ?? '1,2,3').split(',').map(Number)
const ADMIN_PASSWORD = 'nothing is lost here'
/** Promise T: recovered within this after the last fault's end. */
const RECOVERY_MS = 10_000
const HISTORY_MS = 600_000
/** The link to the broker is one connection: it has to break often enough by itself. */
const LINK_CALM_MS = [100, 1_500] as const
/** Of a program, between two ends, and how long it is away. */
const UP_MS = [500, 2_000] as const
const DOWN_MS = [0, 1_000] as const
const FROZEN_MS = [500, 2_000] as const
const CONNECTIONS_ONLY_MS = 3_000

interface Stage {
  database: TestDatabase
  broker: TestBroker
  api: TestApiProgram
  /** Between clients and API. */
  door: CuttingProxy
  /** Between API and broker. */
  link: CuttingProxy
}

/** What a client shows, whichever way it reads. */
interface Client {
  name: string
  /** Of the newest reading that came live. */
  newestMs: () => Promise<number> | number
  known: () => Promise<Known> | Known
  /** Doubled, or changed. */
  wrong: () => Promise<string[]> | string[]
  /** How often it began anew, and how often it was told to refetch. */
  story: () => Promise<string> | string
}

let releases = new Releases()
let browser: Browser

describe.skipIf(toolMissing('chromium'))('what is shown live, whatever breaks', () => {
  beforeAll(async () => {
    browser = await openBrowser()
  })
  afterAll(() => browser?.close())

  it.each(SEEDS)(
    'L-CHAOS-1 within 10 s after the last fault each client is live and equals the database (seed %i)',
    async (seed) => {
      releases = new Releases()
      try {
        await run(seed)
      } finally {
        await releases.run()
      }
    },
    120_000,
  )
})

async function run(seed: number): Promise<void> {
  const stage = await setStage(seed)
  const { database, broker, door } = stage
  onTestFailed(() => console.error(stage.api.program.output(), broker.program.output()))
  const fromMs = Date.now() - HISTORY_MS
  const device = startPublisher(broker.url, await registerDevice(database.pool, 'steady'), fromMs)
  releases.add('device', () => device.stop())
  const where = { headers: {}, origin: `http://127.0.0.1:${door.port}`, deviceId: 'steady', fromMs }
  const clients = await openClients(stage, where)
  for (const { name, newestMs } of clients)
    await waitFor(`readings at the ${name}`, async () => (await newestMs()) > fromMs + HISTORY_MS)

  await breakThings(stage, seed)
  const healedAt = Date.now()
  const until = () => healedAt + RECOVERY_MS - Date.now()
  for (const { name, newestMs } of clients)
    await waitFor(`the ${name} to be live again`, async () => (await newestMs()) > healedAt, until())
  const liveAfterMs = Date.now() - healedAt
  await device.finish()
  const stored = await storedReadings(database.pool, where)
  expect([...stored.keys()].toSorted()).toEqual([...device.acknowledged].toSorted())
  for (const { known } of clients)
    await waitFor(
      'the picture to be whole',
      async () => differences(await known(), stored).length === 0,
      until(),
    ).catch(() => {})
  const stories = await Promise.all(clients.map(async ({ name, story }) => `${name}: ${await story()}`))
  console.log(
    `live chaos: seed ${seed}: ${stored.size} readings, live after ${liveAfterMs} ms, equal after`,
    `${Date.now() - healedAt} ms; ${stories.join('; ')}; at the door ${JSON.stringify(door.done)},`,
    `at the link ${JSON.stringify(stage.link.done)}`,
  )
  expect(Object.values(door.done).reduce((sum, n) => sum + n, 0)).toBeGreaterThan(3)
  for (const { name, known, wrong } of clients) {
    expect(differences(await known(), stored), name).toEqual([])
    expect(await wrong(), name).toEqual([])
  }
}

async function setStage(seed: number): Promise<Stage> {
  const database = await createTestDatabase()
  releases.add('database', () => database.drop())
  // A device comes back many times here.
  const broker = await startTestBroker(database.url, { TELLTALE_DEVICE_CONNECTS_PER_MINUTE: '600' })
  releases.add('broker', () => broker.program.stop())
  const link = await startCuttingProxy({ seed: seed + 1_000, targets: [broker.port], calmMs: LINK_CALM_MS })
  releases.add('link', () => link.close())
  const api = await startTestApi(database, broker, {
    TELLTALE_BROKER_URL: `mqtt://127.0.0.1:${link.port}`,
    TELLTALE_ADMIN_PASSWORD: ADMIN_PASSWORD,
  })
  releases.add('api', () => api.program.stop())
  const door = await startCuttingProxy({ seed, targets: [api.port] })
  releases.add('door', () => door.close())
  return { database, broker, api, door, link }
}

/** Each as a user of its own: streams are counted per user, and those cut off in silence count for a while. */
async function openClients({ database, api }: Stage, where: Following): Promise<Client[]> {
  const bearer = async (name: string) => {
    const { token } = await createToken(database.pool, { name, role: 'viewer', createdBy: 'test' })
    return { authorization: `Bearer ${token}` }
  }
  const stream = new SseFollower({ ...where, headers: await bearer('stream') }).start()
  releases.add('stream', () => stream.stop())
  const poll = new PollFollower({ ...where, headers: await bearer('poll') }).start()
  releases.add('poll', () => poll.stop())
  const signedIn = await trySignIn(api.url, { username: 'admin', password: ADMIN_PASSWORD })
  const cookie = signedIn.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const tabs = await LivePage.openTabs(browser, { ...where, headers: { cookie } }, 2)
  for (const tab of tabs) releases.add('tab', () => tab.close())
  return [
    ...tabs.map((tab, i) => ({
      name: `chart of tab ${i + 1}`,
      newestMs: () => tab.newestMs(),
      known: () => tab.known(),
      wrong: () => tab.doubled(),
      story: () => tab.story(),
    })),
    ...[stream, poll].map((follower) => ({
      name: follower.constructor.name,
      newestMs: () => follower.newestMs,
      known: () => follower.known,
      wrong: () => follower.wrong,
      story: () => `${follower.count('hello')} hello, ${follower.count('resync')} resync`,
    })),
  ]
}

/** Programs are killed, stopped and frozen while connections break; at the end all runs and no fault is left. */
async function breakThings({ api, broker, door, link }: Stage, seed: number): Promise<void> {
  const ofApi = random(seed)
  const ofBroker = random(-seed)
  const waysOf = (numbers: () => number) =>
    numbers() < 0.5 ? (['kill', 'stop'] as const) : (['stop', 'kill'] as const)
  const [first, last] = waysOf(ofBroker)
  door.disturb()
  link.disturb()
  const endApi = async () => {
    for (const way of waysOf(ofApi)) await end(api, way, ofApi)
  }
  await Promise.all([endApi(), end(broker, first, ofBroker)])
  // Everybody refetches after a new API: what is lost from here on, nothing else would bring back.
  await Promise.all([sleep(CONNECTIONS_ONLY_MS), freeze(api, ofApi), end(broker, last, ofBroker)])
  await sleep(CONNECTIONS_ONLY_MS / 2)
  door.calm()
  link.calm()
}

async function end(
  target: TestApiProgram | TestBroker,
  way: 'kill' | 'stop',
  numbers: () => number,
): Promise<void> {
  await sleep(between(UP_MS, numbers))
  await target.program[way]()
  await sleep(between(DOWN_MS, numbers))
  await target.restart()
}

async function freeze({ program }: TestApiProgram, numbers: () => number): Promise<void> {
  await sleep(between(UP_MS, numbers))
  program.process.kill('SIGSTOP')
  await sleep(between(FROZEN_MS, numbers))
  program.process.kill('SIGCONT')
}

function between([least, most]: readonly [number, number], numbers: () => number): number {
  return least + numbers() * (most - least)
}
