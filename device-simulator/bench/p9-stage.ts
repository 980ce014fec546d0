/** What P9 stands on: the product as built, a Chromium that is signed in, and devices that send. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { topics } from '@telltale/broker/contract'
import type { Releases } from '@telltale/infra/service'
import { startTestApi } from '@telltale/infra/testing/api'
import { generate } from 'mqtt-packet'
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core'
import { openBrowser } from './chromium.ts'
import { signIn } from './connection.ts'
import type { Credential } from './generator.ts'
import { sendEvenly } from './pace.ts'
import type { Database } from './servers.ts'
import { makeDevices, startBrokerFor } from './stack.ts'

/** The device that is looked at: the first of a list, also among ten thousand. */
export const WATCHED = 'a-watched-1'
export const METRICS = 8
const USERNAME = 'admin'
const PAGE_DEADLINE_MS = 30_000

export interface Stage {
  database: Database
  mqttPort: number
  /** Of the API, which serves the dashboard. */
  url: string
  password: string
  watched: Credential
  browser: Browser
}

export async function setStage(database: Database, releases: Releases): Promise<Stage> {
  const credentialsFile = await makeDevices(database, { prefix: WATCHED.slice(0, -1), devices: 1, releases })
  const [watched] = JSON.parse(await readFile(credentialsFile, 'utf8')) as [Credential]
  const { broker } = await startBrokerFor(credentialsFile, database, { releases })
  const password = randomBytes(12).toString('hex')
  const api = await startTestApi(database, broker, { TELLTALE_ADMIN_PASSWORD: password })
  releases.add('api', () => api.program.stop())
  const browser = await openBrowser()
  releases.add('browser', () => browser.close())
  return { database, mqttPort: broker.port, url: api.url, password, watched, browser }
}

/** A page and the browser's tools on it. */
export interface Watched {
  context: BrowserContext
  page: Page
  tools: CDPSession
}

/** Of a profile that has never seen the dashboard. */
export async function openPage(
  { browser }: Stage,
  viewport: { width: number; height: number },
): Promise<Watched> {
  const context = await browser.newContext({ viewport, colorScheme: 'light' })
  const page = await context.newPage()
  page.setDefaultTimeout(PAGE_DEADLINE_MS)
  const tools = await context.newCDPSession(page)
  // Processor time, not time that passes: others on this machine must not look like work of the page.
  await tools.send('Performance.enable', { timeDomain: 'threadTicks' })
  for (const domain of ['HeapProfiler', 'Network'] as const) await tools.send(`${domain}.enable`)
  return { context, page, tools }
}

/** As a person does; resolves when the fleet is there. */
export async function signInAs({ url, password }: Stage, { page }: Watched): Promise<void> {
  await page.goto(`${url}/sign-in`)
  await fillSignIn(page, password)
}

export async function fillSignIn(page: Page, password: string): Promise<void> {
  await page.getByLabel('User name').fill(USERNAME)
  await page.locator('input[type=password]').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Fleet', exact: true }).waitFor()
}

/** The first is a number that grows by one with each message, so that a page shows which one it has got. */
export const COUNTER = 'counter'
const COUNTER_START = 7_000_000

/** Eight metrics in each message, `perSecond` messages a second, until the answer is called. */
export async function startSending(stage: Stage, perSecond: number): Promise<() => Promise<void>> {
  const socket = await connectDevice(stage, stage.watched)
  const startMs = performance.now()
  let sent = 0
  const stop = sendEvenly(perSecond, () => {
    const payload = payloadOf(sent++, (performance.now() - startMs) / 1_000)
    socket.write(publishPacket(stage.watched.id, payload))
  })
  return async () => {
    stop()
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve())
      socket.end(generate({ cmd: 'disconnect' }))
    })
  }
}

/** Slow waves, so that every chart has something to draw. */
export function payloadOf(n: number, seconds: number): string {
  const wave = (i: number) =>
    Math.round((20 + i + 5 * Math.sin(seconds / (2 + i)) + (n % 7) / 10) * 100) / 100
  const waves = Array.from({ length: METRICS - 1 }, (_, i): [string, number] => [
    `wave-${i + 1}`,
    wave(i + 1),
  ])
  return JSON.stringify({ [COUNTER]: COUNTER_START + n, ...Object.fromEntries(waves) })
}

/** Answers are read and forgotten. */
export async function connectDevice(
  { mqttPort }: Pick<Stage, 'mqttPort'>,
  { id, secret, localAddress }: Credential & { localAddress?: string },
): Promise<Socket> {
  const address = localAddress === undefined ? {} : { localAddress }
  const socket = await signIn({ host: '127.0.0.1', port: mqttPort, deviceId: id, secret, ...address })
  socket.on('error', () => {})
  return socket.resume()
}

export function publishPacket(deviceId: string, payload: string): Buffer {
  const topic = topics.telemetry(deviceId)
  return generate({ cmd: 'publish', topic, payload, qos: 0, messageId: 0, dup: false, retain: false })
}
