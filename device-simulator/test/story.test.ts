import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { filters, parseTopic, topics } from '@telltale/broker/contract'
import { Releases } from '@telltale/infra/service'
import {
  type Block,
  createSite,
  type Product,
  pidOf,
  type Site,
  startProduct,
} from '@telltale/infra/testing/product'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import { connectAsync, type MqttClient } from 'mqtt'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import {
  accessibilityProblems,
  Complaints,
  describePages,
  linePoints,
  openBrowser,
  openContext,
  seen,
  widthsThatScroll,
} from './browser.ts'
import { signIn } from './session.ts'

const run = promisify(execFile)
const DEVICE = 'bay-7-climate'
const HOSTILE = '<img src=x onerror=alert(1)>'
const PAGE_DEADLINE_MS = 10_000

const releases = new Releases()
let site: Site
let product: Product
let block: Block
let browser: Browser
let page: Page
let complaints: Complaints
let device: MqttClient
let secret = ''
/** Complaints of the browser that a step brings about on purpose. */
let expected: RegExp | undefined
let hasFailed = false

/** One walk through the product, as a newcomer would take it: each step goes on where the one before has ended. */
describe.skipIf(toolMissing('chromium'))('the story', () => {
  beforeAll(async () => {
    site = await createSite()
    releases.add('site', () => site.remove())
    product = startProduct(site, { args: ['--no-demo'] })
    block = await product.block()
    browser = await openBrowser()
    releases.add('browser', () => browser.close())
    page = await (await openContext(browser)).newPage()
    page.setDefaultTimeout(PAGE_DEADLINE_MS)
    complaints = new Complaints(page)
  })
  beforeEach((context) => {
    if (hasFailed) context.skip('an earlier step of the story failed')
    expected = undefined
    onTestFailed(async () => {
      hasFailed = true
      console.error(`${await describePages(browser)}\n${product.output()}`)
    })
  })
  afterEach((context) => {
    if (context.task.result?.state !== 'fail') expect(complaints.take(expected)).toEqual([])
  })
  afterAll(async () => {
    await device?.endAsync(true)
    await releases.run()
  })

  it('U-STORY-1 a page of the platform asks who is there', async () => {
    expected = /status of 401/
    await page.goto(`${site.dashboard}/system`)
    await page.getByRole('heading', { name: 'Sign in to Telltale' }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/sign-in')
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'sign-in')).toEqual([])
  })

  it('U-STORY-2 the printed link signs in, and does not stay in the address', async () => {
    await page.goto(`${site.dashboard}/sign-in#link=${block.link}`)
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()
    expect(page.url()).toBe(`${site.dashboard}/`)
    const stranger = await (await openContext(browser)).newPage()
    await stranger.goto(`${site.dashboard}/sign-in#link=${block.link}`)
    await stranger.getByRole('alert').getByText('This sign-in link has been used').waitFor()
    await stranger.context().close()
  })

  it('D-STORY-1 deleting asks for the id; without devices the fleet shows how to begin', async () => {
    await page.goto(`${site.dashboard}/devices/hello?tab=settings`)
    await page.getByRole('button', { name: 'Delete…' }).click()
    const dialog = page.getByRole('dialog')
    const button = dialog.getByRole('button', { name: 'Delete', exact: true })
    expect(await button.isDisabled()).toBe(true)
    await dialog.getByLabel('Type hello to confirm').fill('hello')
    await button.click()
    await page.getByRole('heading', { name: 'Light the first lamp' }).waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'fleet-empty')).toEqual([])
  })

  it('D-STORY-2 a new device gets its secret, this once', async () => {
    await page.getByRole('link', { name: 'Connect your first device' }).click()
    await page.getByLabel('Name').fill('Bay 7 climate')
    expect(await page.getByLabel('Id').inputValue()).toBe(DEVICE)
    await page.getByRole('button', { name: 'Create device' }).click()
    secret = (await page.getByTestId('secret').textContent()) ?? ''
    expect(secret).toMatch(/^[\w-]{43}$/)
    await heard().getByRole('heading', { name: 'Waiting for the first message' }).waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'connect')).toEqual([])
  })

  it.skipIf(toolMissing('mosquitto_pub'))(
    'D-STORY-3 the line to paste works, and an unreadable message is shown with its reason',
    async () => {
      const line = (await page.getByRole('tabpanel').textContent()) ?? ''
      await run('sh', ['-c', line.replace(/-m '.*'/, "-m 'not JSON'")], { timeout: PAGE_DEADLINE_MS })
      await heard().getByText('Message rejected').waitFor()
      await heard().getByText('not JSON:').waitFor()
    },
  )

  it('D-STORY-4 so is one of a client that stays connected', async () => {
    device = await connectDevice()
    await heard().getByText('Connected, nothing published yet').waitFor()
    await say('{"temperature":21.5,"humidity":[64]}')
    await heard().getByText('humidity: an array is not a value').waitFor()
    await heard().getByRole('heading', { name: 'Waiting for the first message' }).waitFor()
  })

  it('D-STORY-5 the first good message is noticed', async () => {
    await say('{"temperature":21.5}')
    await heard()
      .getByRole('heading', { name: `${DEVICE} is talking` })
      .waitFor()
    expect(await page.getByTestId('first-message').textContent()).toBe('{"temperature":21.5}')
    await heard().getByRole('link', { name: 'Open device' }).click()
    await page.getByRole('heading', { name: 'Bay 7 climate' }).waitFor()
    await tileShows('21.5')
  })

  it('L-STORY-1 a reading moves the tile and the chart', async () => {
    await say('{"temperature":22.25}')
    await tileShows('22.25')
    const before = await waitFor('a line', async () => {
      const points = await linePoints(page, 'Temperature')
      return points.length >= 2 && points
    })
    await say('{"temperature":19.75}')
    await tileShows('19.75')
    const after = await waitFor('one more point', async () => {
      const points = await linePoints(page, 'Temperature')
      return points.length > before.length && points
    })
    // Further right and, on a screen, colder is lower.
    const [[x = 0, y = 0] = [], [lastX = 0, lastY = 0] = []] = after.slice(-2)
    expect([lastX > x, lastY > y]).toEqual([true, true])
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'device')).toEqual([])
  })

  it('C-STORY-1 a command reaches the device, and every step is shown', async () => {
    device.on('message', (topic, payload) => {
      const { params } = JSON.parse(payload.toString()) as { params: unknown }
      const parsed = parseTopic(topic)
      if (parsed.kind !== 'command') return
      const reply = topics.reply(DEVICE, parsed.commandId)
      device.publish(reply, '{"status":"accepted"}', { qos: 1 })
      device.publish(reply, JSON.stringify({ status: 'succeeded', result: params }), { qos: 1 })
    })
    await device.subscribeAsync(filters.commands(DEVICE), { qos: 1 })
    const commands = page.getByRole('region', { name: 'Commands' })
    await commands.getByLabel('Command').fill('set-led')
    await commands.getByLabel('Parameters, JSON').fill('{"on":true}')
    await commands.getByRole('button', { name: 'Send' }).click()
    const sent = commands.getByRole('article', { name: 'set-led, succeeded' })
    await sent.waitFor()
    const steps = sent.getByRole('list', { name: 'Steps' }).getByRole('listitem')
    for (const [i, step] of ['queued', 'sent', 'delivered', 'accepted', 'succeeded'].entries())
      expect(await steps.nth(i).textContent()).toContain(`${step}, reached`)
  })

  it('P-STORY-1 kill -9 of the broker: the page follows the device down and up again', async () => {
    // While the broker is away the system is not ready, and the page asks how it is.
    expected = /503.*readyz/
    process.kill(await pidOf(site, 'broker'), 'SIGKILL')
    await page.getByText('Offline since').first().waitFor()
    device = await waitFor('the broker', () => connectDevice().catch(() => undefined))
    await page.getByText('Online since').first().waitFor()
    const before = (await linePoints(page, 'Temperature')).length
    await say('{"temperature":24.5}')
    await tileShows('24.5')
    await waitFor('a point', async () => (await linePoints(page, 'Temperature')).length > before)
  })

  it('L-STORY-2 kill -9 of the API: the page comes back by itself, with what it missed', async () => {
    expected = /Failed to load resource|ERR_|WebSocket connection/
    const before = (await linePoints(page, 'Temperature')).length
    const noticed = seen(page, 'Reconnecting')
    process.kill(await pidOf(site, 'api'), 'SIGKILL')
    const missed = [25.5, 26.5, 27.5, 28.5, 29.25]
    for (const temperature of missed) await say(JSON.stringify({ temperature }))
    await noticed
    await page.getByRole('status').getByText('Live', { exact: true }).waitFor()
    await tileShows('29.25')
    await waitFor('every missed reading', async () => {
      return (await linePoints(page, 'Temperature')).length >= before + missed.length
    })
  })

  it('S-STORY-1 names and payloads are text, whatever they look like', async () => {
    const user = await signIn(site.dashboard, { username: 'admin', password: block.password })
    await user.send('POST', '/devices', { id: 'hostile', name: HOSTILE })
    await say('<script>alert(2)</script>')
    await page.goto(`${site.dashboard}/devices/${DEVICE}?tab=rejected`)
    await page.getByText('<script>alert(2)</script>').waitFor()
    await page.goto(site.dashboard)
    await page.getByRole('link', { name: HOSTILE }).click()
    await page.getByRole('heading', { name: HOSTILE }).waitFor()
    expect(await page.locator('img[src="x"]').count()).toBe(0)
    expect(await page.title()).toBe(`${HOSTILE} · Telltale`)
  })

  it.each([
    ['fleet', '/', 'Fleet'],
    ['system', '/system', 'System'],
  ])('U-STORY-3 the page %s is accessible and fits every window', async (name, path, heading) => {
    await page.goto(site.dashboard + path)
    await page.getByRole('heading', { name: heading, exact: true }).waitFor()
    await page
      .getByText(name === 'fleet' ? DEVICE : 'Everything is working')
      .first()
      .waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, name)).toEqual([])
  })

  it('U-STORY-4 after signing out nothing is left to see', async () => {
    expected = /status of 401/
    await page.getByRole('button', { name: /Account of/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in to Telltale' }).waitFor()
    await page.goto(`${site.dashboard}/devices/${DEVICE}`)
    await page.getByRole('heading', { name: 'Sign in to Telltale' }).waitFor()
    expect((await page.request.get(`${site.dashboard}/api/v1/devices`)).status()).toBe(401)
  })
})

function heard(): Locator {
  return page.getByRole('complementary', { name: 'What the broker hears' })
}

async function tileShows(value: string): Promise<void> {
  const tile = page
    .getByRole('region', { name: 'Newest values' })
    .locator('.tile', { hasText: 'Temperature' })
  await tile.getByText(value, { exact: true }).waitFor()
}

/** It comes back only when it is told to: so the page can be seen to notice that it is away. */
function connectDevice(): Promise<MqttClient> {
  return connectAsync(site.broker, {
    ...{ clientId: DEVICE, username: DEVICE, password: secret, reconnectPeriod: 0 },
  })
}

function say(payload: string): Promise<unknown> {
  return device.publishAsync(topics.telemetry(DEVICE), payload, { qos: 1 })
}
