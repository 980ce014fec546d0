import { topics } from '@telltale/broker/contract'
import { Releases } from '@telltale/infra/service'
import { type Block, type Product, type Site, startProduct } from '@telltale/infra/testing/product'
import { createSharedSite } from '@telltale/infra/testing/shared-site'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import { connectAsync, type MqttClient } from 'mqtt'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import { Complaints, describePages, openBrowser, openContext, widthsThatScroll } from './browser.ts'
import { type SignedIn, signIn } from './session.ts'

const PAGE_DEADLINE_MS = 10_000
const SCRIPT = '<img src=x onerror=alert(1)>'
const BACKWARDS = '\u202Etxt.exe\u202E'
const RIGHT_TO_LEFT = 'شاشة المخزن رقم ٣ שלום'
const EMOJI = '🧊🔥👩‍👩‍👧‍👦🏳️‍🌈'
const LONG = `${'Gewächshaus'.repeat(18)}xx`
const WIDE = 'wide'
const QUIET = 'quiet'
const hour = 3_600_000

/** Whoever may add a device may call it anything. */
const devices = [
  { id: 'script', name: SCRIPT, tags: ['<script>alert(2)</script>', '"onmouseover=alert(3)'] },
  { id: 'x'.repeat(64), name: LONG, tags: Array.from({ length: 32 }, (_, i) => `${i}${'t'.repeat(62)}`) },
  { id: 'backwards', name: BACKWARDS, tags: [BACKWARDS, RIGHT_TO_LEFT.replaceAll(' ', '-')] },
  { id: 'arabic', name: RIGHT_TO_LEFT, tags: [] },
  { id: 'emoji', name: EMOJI.repeat(8), tags: [EMOJI] },
  { id: WIDE, name: 'Two hundred and fifty-six metrics', tags: [] },
  { id: QUIET, name: 'An ordinary neighbour', tags: [] },
]

const texts = [
  SCRIPT,
  BACKWARDS,
  RIGHT_TO_LEFT,
  EMOJI.repeat(20),
  'w'.repeat(1_000),
  '{{7*7}} %s %n',
  ' \n\t ',
]
const numbers = [1e300, -1e300, -0, 5e-324, Number.MAX_VALUE, -273.15, 1e-7, 123456789.123]

const tabs = ['charts', 'commands', 'presence', 'rejected', 'raw', 'settings']

const releases = new Releases()
let site: Site
let product: Product
let block: Block
let browser: Browser
let page: Page
let complaints: Complaints
let admin: SignedIn
const clients = new Map<string, MqttClient>()
let expected: RegExp | undefined

/** Everything a device says, and everything it is called, is only text. */
describe.skipIf(toolMissing('chromium'))('hostile devices in the browser', () => {
  beforeAll(async () => {
    site = await createSharedSite()
    releases.add('site', () => site.remove())
    product = startProduct(site, { args: ['--no-demo'] })
    block = await product.block()
    admin = await signIn(site.dashboard, { username: 'admin', password: block.password })
    for (const device of devices) {
      const { secret } = await admin.send<{ secret: string }>('POST', '/devices', device)
      const options = { clientId: device.id, username: device.id, password: secret, reconnectPeriod: 0 }
      const client = await connectAsync(site.broker, options)
      releases.add(device.id, () => client.endAsync(true))
      clients.set(device.id, client)
    }
    browser = await openBrowser()
    releases.add('browser', () => browser.close())
    page = await (await openContext(browser)).newPage()
    page.setDefaultTimeout(PAGE_DEADLINE_MS)
    complaints = new Complaints(page)
    await page.goto(`${site.dashboard}/sign-in#link=${block.link}`)
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()
  })
  beforeEach(() => {
    expected = undefined
    onTestFailed(async () => {
      console.error(`${await describePages(browser)}\n${product.output()}`)
    })
  })
  afterEach((context) => {
    if (context.task.result?.state !== 'fail') expect(complaints.take(expected)).toEqual([])
  })
  afterAll(() => releases.run())

  it('S-HOSTILE-1 values of every kind reach the page as text and numbers, and no line breaks', async () => {
    for (const [round, text] of texts.entries()) {
      const values = Object.fromEntries(numbers.map((value, index) => [`n${index}`, value]))
      const flips = [7, 'seven', true][round % 3]
      await say('script', { ...values, flips, [SCRIPT]: round, [BACKWARDS]: text, text })
    }
    await page.goto(`${site.dashboard}/devices/script`)
    await page.getByRole('heading', { level: 1, name: SCRIPT }).waitFor()
    await page
      .getByRole('region', { name: 'Newest values' })
      .getByText('1.000e+300', { exact: true })
      .waitFor()
    const drawn = await waitFor('every line', async () => {
      const paths = await page.evaluate<string>(
        '[...document.querySelectorAll(".plotbox path, .spark path")].map((path) => path.getAttribute("d")).join(" ")',
      )
      return (paths.match(/M/g)?.length ?? 0) > numbers.length && paths
    })
    expect(drawn).not.toMatch(/NaN|Infinity/)
    expect(await widthsThatScroll(page, 'hostile-values')).toEqual([])
  })

  it('S-HOSTILE-2 a metric that changes its type is shown as what it is now, live', async () => {
    const flips = page.getByRole('region', { name: 'Newest values' }).locator('.tile', { hasText: 'Flips' })
    for (const [value, shown] of [
      [12.5, '12.5'],
      ['open <b>', 'open <b>'],
      [false, 'no'],
      [-3, '−3'],
    ] as const) {
      await say('script', { flips: value })
      await flips.locator('.tile__val').getByText(shown, { exact: true }).waitFor()
    }
  })

  it('S-HOSTILE-3 no tab of any of them is wider than the window, or does what a name says', async () => {
    for (const { id, name } of devices.slice(0, 5)) {
      await say(id, { text: name, [name.slice(0, 60)]: 1 })
      await clients.get(id)?.publishAsync(topics.telemetry(id), `${SCRIPT}${name}`, { qos: 1 })
      await admin.send('POST', `/devices/${id}/commands`, { name: name.slice(0, 100), params: { x: LONG } })
    }
    for (const [place, { id, name }] of devices.slice(0, 5).entries()) {
      // Where the first two fit, the others do; their charts have letters of their own.
      for (const tab of place < 2 ? tabs : ['charts']) {
        await page.goto(`${site.dashboard}/devices/${id}?tab=${tab}`)
        await page.getByRole('heading', { level: 1, name: name.trim() }).waitFor()
        await page.locator('.device__content :is(.panel, .tiles)').first().waitFor()
        expect(await widthsThatScroll(page, `hostile-${id.slice(0, 9)}-${tab}`), `${id} ${tab}`).toEqual([])
      }
    }
  }, 120_000)

  it('S-HOSTILE-4 a name that turns letters around does so inside its own place only', async () => {
    await page.goto(`${site.dashboard}/devices/backwards`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    const around = await page.evaluate(`(() => {
      const box = document.querySelector('h1 bdi')
      return getComputedStyle(box).unicodeBidi + ' ' + getComputedStyle(box.parentElement).direction
    })()`)
    expect(around).toBe('isolate ltr')
    await page.goto(`${site.dashboard}/`)
    await page.getByText(BACKWARDS).first().waitFor()
    expect(await page.getByText('An ordinary neighbour').first().textContent()).toBe('An ordinary neighbour')
  })

  it('S-HOSTILE-5 the fleet, the palette, boards and commands to many show names as text', async () => {
    await admin.send('POST', '/commands', {
      filter: { all: true },
      name: SCRIPT,
      params: { note: BACKWARDS },
    })
    for (const [path, name] of [
      ['/', 'fleet'],
      ['/boards', 'boards'],
      ['/boards/device/script', 'board'],
      [`/boards/device/${'x'.repeat(64)}`, 'board-long'],
      ['/batches', 'batches'],
      ['/system', 'system'],
    ] as const) {
      await page.goto(`${site.dashboard}${path}`)
      await page.locator('main, .main').getByRole('heading', { level: 1 }).first().waitFor()
      expect(await widthsThatScroll(page, `hostile-${name}`), path).toEqual([])
    }
    await page.goto(`${site.dashboard}/batches`)
    await page.getByRole('link', { name: SCRIPT }).first().click()
    await page.getByText('8 devices').first().waitFor()
    expect(await widthsThatScroll(page, 'hostile-batch')).toEqual([])
    await page.keyboard.press('Control+k')
    await page.keyboard.type('img src')
    await page.getByRole('dialog').getByText(SCRIPT).first().waitFor()
    await page.keyboard.press('Escape')
  }, 60_000)

  it('S-HOSTILE-6 256 metrics on one device: the first are shown, all are found, and the page answers', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 256 }, (_, index) => [`sensor.${index}.level`, index]),
    )
    await say(WIDE, many)
    await page.goto(`${site.dashboard}/devices/${WIDE}`)
    const tiles = page.getByRole('region', { name: 'Newest values' })
    await page.getByRole('button', { name: 'Show all 256' }).waitFor()
    expect(await tiles.locator('.tile').count()).toBe(12)
    await page.getByRole('button', { name: 'Show all 256' }).click()
    await page.getByText('All 256 are shown.').waitFor()
    expect(await tiles.locator('.tile').count()).toBe(256)
    const before = Date.now()
    await page.getByLabel('Search the metrics').fill('sensor 255')
    await page.getByText('1 of 256 match.').waitFor()
    expect(Date.now() - before).toBeLessThan(5_000)
    await say(WIDE, { ...many, 'sensor.255.level': 9_999 })
    // The line below it says from what to what, as soon as both readings are in it.
    await tiles.getByText('9,999', { exact: true }).waitFor()
    expect(await widthsThatScroll(page, 'hostile-256')).toEqual([])
    await page.goto(`${site.dashboard}/devices/${WIDE}?tab=raw`)
    await page.getByRole('option').first().waitFor()
    expect(await widthsThatScroll(page, 'hostile-256-raw')).toEqual([])
  }, 60_000)

  it('S-HOSTILE-7 clocks that are minutes or days off disturb no other device', async () => {
    await page.goto(`${site.dashboard}/devices/${QUIET}`)
    await page.getByText('No values yet').waitFor()
    const now = Date.now()
    for (const [index, off] of [4 * 60_000, -4 * 60_000, -20 * 24 * hour].entries())
      await say('emoji', { ts: now + off, values: { level: index } })
    await say(QUIET, { level: 42 })
    const tile = page.getByRole('region', { name: 'Newest values' }).locator('.tile', { hasText: 'Level' })
    await tile.getByText('42', { exact: true }).waitFor()
    expect(await page.getByText('Its clock is').count()).toBe(0)
    await page.goto(`${site.dashboard}/devices/emoji`)
    await page.getByText('Its clock is 4 min ahead.').waitFor()
    expect(await widthsThatScroll(page, 'hostile-clock')).toEqual([])
  })

  it('S-HOSTILE-8 when one is deleted while it is open, its neighbours go on', async () => {
    expected = /status of 404/
    const neighbour = await page.context().newPage()
    const seen = new Complaints(neighbour)
    neighbour.setDefaultTimeout(PAGE_DEADLINE_MS)
    await neighbour.goto(`${site.dashboard}/devices/${QUIET}`)
    const tiles = neighbour.getByRole('region', { name: 'Newest values' })
    await tiles.getByText('42', { exact: true }).waitFor()
    await page.bringToFront()
    await page.goto(`${site.dashboard}/devices/script`)
    await page.getByRole('heading', { level: 1, name: SCRIPT }).waitFor()
    await admin.send('DELETE', '/devices/script')
    await page.getByRole('alert').getByText('This device has been deleted.').waitFor()
    expect(await widthsThatScroll(page, 'hostile-gone')).toEqual([])
    await neighbour.bringToFront()
    await say(QUIET, { level: 43 })
    await tiles.getByText('43', { exact: true }).waitFor()
    await neighbour.locator('.livepill', { hasText: 'Live' }).waitFor()
    // The tab with the stream asks for it without the device that is gone.
    expect(seen.take(/status of 404/)).toEqual([])
    await neighbour.close()
  })

  it('S-HOSTILE-9 a board asks for no readings of a device that is gone', async () => {
    expected = /status of 404/
    const panels = [QUIET, 'script'].map((deviceId) => ({
      ...{ kind: 'chart', id: deviceId, width: 6, height: 'small', series: [{ deviceId, metric: 'level' }] },
    }))
    const { id } = await admin.send<{ id: string }>('POST', '/boards', { name: 'Half of it', panels })
    const asked: string[] = []
    page.on('request', (request) => asked.push(new URL(request.url()).pathname))
    await page.goto(`${site.dashboard}/boards/${id}`)
    await page.getByText('There is no device script').waitFor()
    await page.getByText('last 43').waitFor()
    const readings = asked.filter((path) => path.endsWith('/readings'))
    expect(new Set(readings)).toEqual(new Set([`/api/v1/devices/${QUIET}/readings`]))
  })
})

async function say(id: string, payload: unknown): Promise<void> {
  await clients.get(id)?.publishAsync(topics.telemetry(id), JSON.stringify(payload), { qos: 1 })
}
