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
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
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
import { type Publisher, startPublisher } from './publisher.ts'
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
/** Contract: up to five minutes. What such a device sent is in the history's future. */
const AHEAD_MS = 60_000
/** By then a page waits at its longest. */
const WAITS = 5
/** More than a page asks at once. */
const REFUSALS = 6

/** The page's own part of what breaks. */
type Tab = Pick<LivePage, 'waits' | 'refuseHistories'>

interface Stage {
  releases: Releases
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
  /** When the newest reading that came live was measured, on our clock. */
  newestMs: () => Promise<number> | number
  known: () => Promise<Known> | Known
  /** Doubled, or changed. */
  wrong: () => Promise<string[]> | string[]
  /** How often it began anew, and how often it was told to refetch. */
  story: () => Promise<string> | string
}

let browser: Browser

describe.skipIf(toolMissing('chromium'))('what is shown live, whatever breaks', () => {
  beforeAll(async () => {
    browser = await openBrowser()
  })
  afterAll(() => browser?.close())

  // Both at once, each with a stage of its own: most of it is waiting.
  describe.concurrent('after many faults', () => {
    it.sequential.for(SEEDS)(
      'L-CHAOS-1 within 10 s after the last fault each client is live and equals the database (seed %i)',
      { timeout: 120_000 },
      (seed, test) => play(test, (stage) => breakAndCompare(stage, seed), seed),
    )
  })

  describe.concurrent('after an outage', () => {
    it.sequential(
      'L-CHAOS-2 so it is after an outage that made everybody wait at their longest, and a refused history',
      { timeout: 120_000 },
      (test) => play(test, outlastAndCompare, 0),
    )
  })
})

async function play(test: TestContext, run: (stage: Stage) => Promise<void>, seed: number): Promise<void> {
  const releases = new Releases()
  try {
    const stage = await setStage(seed, releases)
    test.onTestFailed(() => console.error(stage.api.program.output(), stage.broker.program.output()))
    await run(stage)
  } finally {
    await releases.run()
  }
}

async function outlastAndCompare(stage: Stage): Promise<void> {
  const scene = await setScene(stage, AHEAD_MS)
  const { tabs } = scene
  await stage.api.program.kill()
  for (const tab of tabs) await waitFor('the longest wait', async () => (await tab.waits()) >= WAITS, 30_000)
  const refused = await Promise.all(tabs.map((tab) => tab.refuseHistories(REFUSALS)))
  await stage.api.restart()
  const liveAfterMs = await untilLive(scene, Date.now())
  for (const { left } of refused)
    await waitFor('the last refusal', () => left() === 0, REFUSALS * RECOVERY_MS)
  const equalAfterMs = await untilEqual(scene, Date.now())
  console.log(`live chaos: live ${liveAfterMs} ms after the outage, equal ${equalAfterMs} ms after refusals`)
}

async function breakAndCompare(stage: Stage, seed: number): Promise<void> {
  const scene = await setScene(stage, seed % 2 === 0 ? 0 : AHEAD_MS)
  const { door, link } = stage
  await breakThings(stage, seed)
  const healedAt = Date.now()
  const liveAfterMs = await untilLive(scene, healedAt)
  const equalAfterMs = await untilEqual(scene, healedAt)
  const stories = await Promise.all(scene.clients.map(async ({ name, story }) => `${name}: ${await story()}`))
  console.log(
    `live chaos: seed ${seed}: ${scene.device.acknowledged.size} readings, live after ${liveAfterMs} ms,`,
    `equal after ${equalAfterMs} ms; ${stories.join('; ')}; at the door ${JSON.stringify(door.done)},`,
    `at the link ${JSON.stringify(link.done)}`,
  )
  expect(Object.values(door.done).reduce((sum, n) => sum + n, 0)).toBeGreaterThan(3)
}

interface Scene {
  stage: Stage
  device: Publisher
  where: Following
  tabs: Tab[]
  clients: Client[]
}

/** Everybody shows what one device sends, whose clock is ahead by `aheadMs`. */
async function setScene(stage: Stage, aheadMs: number): Promise<Scene> {
  const { releases, database, broker, door } = stage
  const fromMs = Date.now() - HISTORY_MS
  const credentials = await registerDevice(database.pool, 'steady')
  const device = startPublisher(broker.url, { ...credentials, aheadMs }, fromMs)
  releases.add('device', () => device.stop())
  const where = { headers: {}, origin: `http://127.0.0.1:${door.port}`, deviceId: 'steady', fromMs }
  const { tabs, clients } = await openClients(stage, where, aheadMs)
  const scene = { stage, device, where, tabs, clients }
  await untilLive(scene, Date.now())
  return scene
}

/** Within promise T: each client has live what was measured after this moment. */
async function untilLive({ clients }: Scene, sinceMs: number): Promise<number> {
  for (const { name, newestMs } of clients) {
    const leftMs = sinceMs + RECOVERY_MS - Date.now()
    await waitFor(`the ${name} to be live`, async () => (await newestMs()) > sinceMs, leftMs)
  }
  return Date.now() - sinceMs
}

/** Within promise T: the device stops, and each client shows what the database has. */
async function untilEqual({ stage, device, where, clients }: Scene, sinceMs: number): Promise<number> {
  await device.finish()
  const stored = await storedReadings(stage.database.pool, where)
  expect([...stored.keys()].toSorted()).toEqual([...device.acknowledged].toSorted())
  for (const { known } of clients) {
    const isWhole = async () => differences(await known(), stored).length === 0
    await waitFor('the picture to be whole', isWhole, sinceMs + RECOVERY_MS - Date.now()).catch(() => {})
  }
  const equalAfterMs = Date.now() - sinceMs
  for (const { name, known, wrong } of clients) {
    expect(differences(await known(), stored), name).toEqual([])
    expect(await wrong(), name).toEqual([])
  }
  expect(equalAfterMs).toBeLessThan(RECOVERY_MS)
  return equalAfterMs
}

async function setStage(seed: number, releases: Releases): Promise<Stage> {
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
  return { releases, database, broker, api, door, link }
}

/** Each as a user of its own: streams are counted per user, and those cut off in silence count for a while. */
async function openClients(
  { releases, database, api }: Stage,
  where: Following,
  aheadMs: number,
): Promise<Pick<Scene, 'tabs' | 'clients'>> {
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
  const clients = [
    ...tabs.map((tab, i) => ({
      name: `chart of tab ${i + 1}`,
      newestMs: async () => (await tab.newestMs()) - aheadMs,
      known: () => tab.known(),
      wrong: () => tab.doubled(),
      story: () => tab.story(),
    })),
    ...[stream, poll].map((follower) => ({
      name: follower.constructor.name,
      newestMs: () => follower.newestMs - aheadMs,
      known: () => follower.known,
      wrong: () => follower.wrong,
      story: () => `${follower.count('hello')} hello, ${follower.count('resync')} resync`,
    })),
  ]
  return { tabs, clients }
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
