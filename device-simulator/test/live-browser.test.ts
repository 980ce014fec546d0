import { filters, parseTopic, topics } from '@telltale/broker/contract'
import { Releases } from '@telltale/infra/service'
import { type Product, type Site, startProduct } from '@telltale/infra/testing/product'
import { createSharedSite } from '@telltale/infra/testing/shared-site'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import { connectAsync, type MqttClient } from 'mqtt'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import { linePoints, openBrowser, openContext, seen } from './browser.ts'
import { type Line, startLine } from './line.ts'
import { signIn } from './session.ts'

const DEVICE = 'bay-7'
const STREAM = /\/api\/v1\/events\?/
const PAGE_DEADLINE_MS = 15_000

const releases = new Releases()
let site: Site
let product: Product
let password = ''
let line: Line
let browser: Browser
let context: BrowserContext
let device: MqttClient
let heard: string[] = []
let requests: Request[] = []
let pages: Page[] = []

interface Request {
  method: string
  path: string
}

/** What a network and other tabs do to a screen that is live: each test in a browser of its own. */
describe.skipIf(toolMissing('chromium'))('the live screen', () => {
  beforeAll(async () => {
    site = await createSharedSite()
    releases.add('site', () => site.remove())
    product = startProduct(site, { args: ['--no-demo'] })
    password = (await product.block()).password
    line = await startLine(site.http)
    releases.add('line', () => line.close())
    browser = await openBrowser()
    releases.add('browser', () => browser.close())
    device = await connectDevice()
    releases.add('device', () => device.endAsync(true))
  })
  beforeEach(async () => {
    // Not after a test: what it looked like is told when it has failed.
    await browser.contexts()[0]?.close()
    context = await openContext(browser)
    context.setDefaultTimeout(PAGE_DEADLINE_MS)
    requests = []
    heard = []
    pages = []
    context.on('request', (request) => {
      const { pathname, search } = new URL(request.url())
      requests.push({ method: request.method(), path: pathname + search })
    })
    const login = await context.request.post(`${line.dashboard}/api/v1/session`, {
      data: { username: 'admin', password },
    })
    expect(login.status()).toBe(200)
    onTestFailed(async () => {
      for (const page of pages) if (!page.isClosed()) console.error(await page.locator('body').ariaSnapshot())
      console.error(requests.map(({ method, path }) => `${method} ${path}`).join('\n'))
      console.error(product.output())
    })
  })
  afterEach(() => line.mend())
  afterAll(() => releases.run())

  it('L-BROWSER-1 tabs share one stream, and a device opened from the fleet changes what it carries', async () => {
    const fleet = await openPage('/')
    await live(fleet)
    const other = await openPage('/')
    await live(other)
    await other.getByRole('link', { name: 'Bay 7' }).click()
    await other.getByRole('heading', { name: 'Bay 7' }).waitFor()
    await waitFor('a change of the stream', () =>
      changes().some(({ path }) => path.startsWith('/api/v1/events/')),
    )
    await say(20.5)
    await shows(other, '20.5')
    await fleet.getByText('20.5').waitFor()
    expect(streams()).toHaveLength(1)
  })

  it('L-BROWSER-2 the tab with the stream is closed: the other goes on without a gap', async () => {
    const first = await openPage('/')
    await live(first)
    const second = await openPage(`/devices/${DEVICE}`)
    await say(10)
    await shows(second, '10')
    // The tile may have it before the chart.
    await second
      .getByRole('region', { name: 'Temperature', exact: true })
      .getByText(/last\s*10/)
      .waitFor()
    const before = (await linePoints(second, 'Temperature')).length
    const histories = () => requests.filter(({ path }) => path.includes('/readings')).length
    const read = histories()
    const values = [11, 12, 13, 14, 15, 16, 17, 18]
    for (const [i, value] of values.entries()) {
      await say(value)
      if (i === 3) await first.close({ runBeforeUnload: false })
    }
    await shows(second, '18')
    await waitFor('every reading', async () => (await linePoints(second, 'Temperature')).length >= before + 8)
    expect((await linePoints(second, 'Temperature')).length).toBe(before + 8)
    expect(streams()).toHaveLength(2)
    // Nothing had to be read again: the new stream went on from the last event.
    expect(histories()).toBe(read)
  })

  it('L-BROWSER-3 where something holds streams back it polls, says so, and takes the stream again', async () => {
    await context.route(STREAM, () => {})
    const page = await openPage(`/devices/${DEVICE}`)
    await page.getByRole('status').getByText('Live, by polling').waitFor()
    const pill = page.getByRole('button', { name: 'Live, by polling, try the stream again' })
    expect(await pill.getAttribute('title')).toContain('holds back the stream')
    await say(30.5)
    await shows(page, '30.5')
    await context.unroute(STREAM)
    await pill.click()
    await live(page)
    await say(31.5)
    await shows(page, '31.5')
  })

  it('L-BROWSER-4 a cut network: it counts down, comes back by itself, and has what it missed', async () => {
    const page = await openPage(`/devices/${DEVICE}`)
    await live(page)
    await say(40)
    await shows(page, '40')
    const before = (await waitFor('a line', () => drawn(page))).length
    const noticed = seen(page, 'Reconnecting')
    const counted = seen(page, 'in 1 s')
    line.cut()
    await noticed
    await counted
    for (const value of [41, 42, 43, 44]) await say(value)
    line.mend()
    await live(page)
    await shows(page, '44')
    await waitFor('every reading', async () => (await linePoints(page, 'Temperature')).length >= before + 4)
  })

  it('L-BROWSER-5 a tab that the browser has frozen holds nobody up, and follows when it wakes', async () => {
    const first = await openPage(`/devices/${DEVICE}`)
    await live(first)
    // To the other tabs a page that stands in a debugger is a frozen one: it keeps its lock and says nothing.
    const debug = await context.newCDPSession(first)
    await debug.send('Debugger.enable')
    const paused = new Promise((resolve) => debug.once('Debugger.paused', resolve))
    await debug.send('Debugger.pause')
    await paused
    const second = await openPage(`/devices/${DEVICE}`)
    await live(second)
    await say(50.5)
    await shows(second, '50.5')
    await debug.send('Debugger.disable')
    await say(51.5)
    await shows(second, '51.5')
    // A page that has been in a debugger tells what it shows, but not when that changes.
    await waitFor('the reading', async () => (await first.locator('.tile').ariaSnapshot()).includes('51.5'))
    expect(streams()).toHaveLength(2)
  })

  it('C-BROWSER-1 the answer to a command is lost: it is looked up, and not sent again', async () => {
    const page = await openConsole()
    line.lose('answers')
    await press(page, 'blink')
    await waitFor('the command', () => heard.includes('blink'))
    line.cut()
    line.mend()
    await page.getByRole('article', { name: 'blink, succeeded' }).waitFor()
    expect(heard).toEqual(['blink'])
    expect(await page.getByText('Telltale has no record of the command').count()).toBe(0)
    // The stream may show it before the socket is back and it is looked up.
    await waitFor('the look-up', () =>
      requests.some(({ path }) => /^\/api\/v1\/commands\/[\w-]{36}$/.test(path)),
    )
    expect(heard).toEqual(['blink'])
  })

  it('C-BROWSER-2 a command that got lost is said to be lost, and comes from nobody later', async () => {
    const page = await openConsole()
    line.lose('questions')
    await press(page, 'horn')
    line.cut()
    line.mend()
    await page.getByText('Telltale has no record of the command').waitFor()
    await live(page)
    const user = await signIn(site.dashboard, { username: 'admin', password })
    const { items } = await user.get<{ items: { name: string }[] }>(`/devices/${DEVICE}/commands`)
    expect([items.some(({ name }) => name === 'horn'), heard]).toEqual([false, []])
  })

  it('C-BROWSER-3 a command of somebody else appears, and a double click sends one', async () => {
    const page = await openConsole()
    const user = await signIn(site.dashboard, { username: 'admin', password })
    await user.send('POST', `/devices/${DEVICE}/commands`, { name: 'by-script' })
    await page.getByRole('article', { name: 'by-script, succeeded' }).waitFor()
    await page.getByRole('textbox', { name: 'Command', exact: true }).fill('twice')
    await page.getByRole('button', { name: 'Send', exact: true }).dblclick()
    await page.getByRole('article', { name: 'twice, succeeded' }).waitFor()
    expect(heard).toEqual(['by-script', 'twice'])
  })

  it('U-BROWSER-1 signing out in one tab ends the session in the others', async () => {
    const [first, second] = [await openPage('/'), await openPage(`/devices/${DEVICE}`)]
    await live(first)
    await live(second)
    await first.getByRole('button', { name: /Account of/ }).click()
    await first.getByRole('menuitem', { name: 'Sign out' }).click()
    await second.getByRole('heading', { name: 'Sign in to Telltale' }).waitFor()
  })
})

async function openPage(path: string): Promise<Page> {
  const page = await context.newPage()
  pages.push(page)
  await page.goto(line.dashboard + path)
  return page
}

async function openConsole(): Promise<Page> {
  const page = await openPage(`/devices/${DEVICE}?tab=commands`)
  await live(page)
  await page.getByText('expires in').waitFor()
  return page
}

async function press(page: Page, command: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Command', exact: true }).fill(command)
  await page.getByRole('button', { name: 'Send', exact: true }).click()
}

function live(page: Page): Promise<void> {
  return page.getByRole('status').getByText('Live', { exact: true }).waitFor()
}

async function shows(page: Page, value: string): Promise<void> {
  const tile = page.getByRole('region', { name: 'Newest values' }).locator('.tile')
  await tile.getByText(value, { exact: true }).waitFor()
}

async function drawn(page: Page): Promise<[x: number, y: number][] | undefined> {
  const points = await linePoints(page, 'Temperature')
  return points.length > 0 ? points : undefined
}

function streams(): Request[] {
  return requests.filter(({ path }) => STREAM.test(path))
}

function changes(): Request[] {
  return requests.filter(({ method }) => method === 'PUT')
}

/** It does every command at once, and remembers their names. */
async function connectDevice(): Promise<MqttClient> {
  const user = await signIn(site.dashboard, { username: 'admin', password })
  const { secret } = await user.send<{ secret: string }>('POST', '/devices', { id: DEVICE, name: 'Bay 7' })
  const client = await connectAsync(site.broker, { clientId: DEVICE, username: DEVICE, password: secret })
  client.on('message', (topic, payload) => {
    const parsed = parseTopic(topic)
    if (parsed.kind !== 'command') return
    heard.push((JSON.parse(payload.toString()) as { name: string }).name)
    client.publish(topics.reply(DEVICE, parsed.commandId), '{"status":"succeeded"}', { qos: 1 })
  })
  await client.subscribeAsync(filters.commands(DEVICE), { qos: 1 })
  return client
}

function say(temperature: number): Promise<unknown> {
  return device.publishAsync(topics.telemetry(DEVICE), JSON.stringify({ temperature }), { qos: 1 })
}
