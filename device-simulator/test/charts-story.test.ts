import { Releases } from '@telltale/infra/service'
import { type Product, type Site, startProduct } from '@telltale/infra/testing/product'
import { createSharedSite } from '@telltale/infra/testing/shared-site'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import {
  accessibilityProblems,
  Complaints,
  describePages,
  linePoints,
  openBrowser,
  openContext,
  widthsThatScroll,
} from './browser.ts'
import { Oven } from './oven.ts'
import { type SignedIn, signIn } from './session.ts'

const PAGE_DEADLINE_MS = 10_000
const MINUTE = 60_000
/** Nothing came from 20 to 15 minutes ago. */
const SILENT = { from: 20 * MINUTE, to: 15 * MINUTE }

const releases = new Releases()
let site: Site
let product: Product
let browser: Browser
let page: Page
let complaints: Complaints
let admin: SignedIn
let oven: Oven
let password = ''
let hasFailed = false

/** An hour of a device, read as a person would: with a mouse, with the keyboard alone, with a finger. */
describe.skipIf(toolMissing('chromium'))('charts', () => {
  beforeAll(async () => {
    site = await createSharedSite()
    releases.add('site', () => site.remove())
    product = startProduct(site, { args: ['--no-demo'] })
    const block = await product.block()
    password = block.password
    admin = await signIn(site.dashboard, { username: 'admin', password })
    const metrics = { temperature: { unit: '°C', thresholds: [{ level: 'alarm', above: 190 }] } }
    await admin.send('PUT', '/types/oven', { metrics, commands: {} })
    oven = await Oven.connect({ broker: site.broker, admin, releases }, 'oven', 'oven')
    await oven.remember(55 * MINUTE, 2_000, (ago) =>
      ago < SILENT.from && ago > SILENT.to
        ? null
        : {
            temperature: 180 + 12 * Math.sin(ago / 90_000),
            humidity: 40 + (ago % 9_000) / 1_000,
            door: 'closed',
          },
    )
    browser = await openBrowser()
    releases.add('browser', () => browser.close())
    page = await (await openContext(browser)).newPage()
    page.setDefaultTimeout(PAGE_DEADLINE_MS)
    complaints = new Complaints(page)
    await page.goto(`${site.dashboard}/sign-in#link=${block.link}`)
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()
  })
  beforeEach((context) => {
    if (hasFailed) context.skip('an earlier step of the story failed')
    onTestFailed(async () => {
      hasFailed = true
      console.error(`${await describePages(browser)}\n${product.output()}`)
    })
  })
  afterEach((context) => {
    if (context.task.result?.state !== 'fail') expect(complaints.take(undefined)).toEqual([])
  })
  afterAll(() => releases.run())

  it('L-CHARTSTORY-1 an hour is drawn as averages, and the legend says of how long', async () => {
    // What is not understood in an address is left out.
    await page.goto(`${site.dashboard}/devices/oven?range=1h&from=yesterday`)
    await chart('Temperature').getByText('average of 10 s').waitFor()
    await chart('Temperature').getByText('min–max').waitFor()
    await chart('Temperature').getByText('alarm above 190 °C').waitFor()
    await chart('Temperature').getByText('no data').waitFor()
    await chart('Temperature').getByText('4 min 50 s').waitFor()
    const steps = await stepsOf('Temperature')
    // The line is in two pieces, with the silence between them.
    expect(Math.max(...steps)).toBeGreaterThan(40)
    await page.getByRole('region', { name: 'States' }).getByText('closed').first().waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'charts')).toEqual([])
  })

  it('L-CHARTSTORY-2 dragging zooms into finer history, and Back undoes it', async () => {
    const shown = 'average of 10 s'
    await drag('Temperature', 0.1, 0.2)
    await chart('Temperature').getByText('every reading').waitFor()
    await chart('Humidity').getByText('every reading').waitFor()
    const { from, to } = rangeInAddress()
    expect((to - from) / MINUTE).toBeGreaterThan(5)
    expect((to - from) / MINUTE).toBeLessThan(7)
    expect((await linePoints(page, 'Temperature')).length).toBeGreaterThan(150)
    await page.getByText('Paused').first().waitFor()
    await page.goBack()
    await chart('Temperature').getByText(shown).waitFor()
    await drag('Humidity', 0.3, 0.4)
    await chart('Temperature').getByText('every reading').waitFor()
    await page.getByRole('button', { name: 'Back to the range before' }).click()
    await chart('Temperature').getByText(shown).waitFor()
    expect(page.url()).toContain('range=1h')
  })

  it('L-CHARTSTORY-3 a mouse over one chart holds all, counts what comes, and points in each of them', async () => {
    await page.goto(`${site.dashboard}/devices/oven?range=5m`)
    await waitFor('a line', async () => (await linePoints(page, 'Temperature')).length > 100)
    await hover('Temperature', 0.5)
    await page.getByText('Paused').first().waitFor()
    const held = await linePoints(page, 'Temperature')
    for (const temperature of [181, 182, 183]) await oven.say({ temperature })
    await page.getByText('3 new').waitFor()
    expect(await linePoints(page, 'Temperature')).toEqual(held)
    await chart('Temperature').locator('.tip').getByText('°C').waitFor()
    await chart('Humidity').locator('.tip').waitFor()
    // Two charts, what happened, and the state of the door.
    const shares = await crossShares()
    expect([shares.length, new Set(shares).size]).toEqual([4, 1])
    await page.mouse.move(10, 10)
    await waitFor(
      'the held readings',
      async () => (await linePoints(page, 'Temperature')).length !== held.length,
    )
    for (const gone of ['.tip', '.paused']) await page.locator(gone).first().waitFor({ state: 'detached' })
  })

  it('L-CHARTSTORY-4 a legend entry stands alone at a press, and says last, lowest, average and highest', async () => {
    const cold = await Oven.connect({ broker: site.broker, admin, releases }, 'fridge', 'oven')
    await cold.remember(4 * MINUTE, 2_000, () => ({ temperature: 4 }))
    const series = ['oven', 'fridge'].map((deviceId) => ({
      deviceId,
      metric: 'temperature',
      label: deviceId,
    }))
    const panel = { kind: 'chart', id: 'both', title: 'Both', width: 12, height: 'medium', series }
    const { id } = await admin.send<{ id: string }>('POST', '/boards', { name: 'Kitchen', panels: [panel] })
    await page.goto(`${site.dashboard}/boards/${id}?range=5m`)
    const entry = (name: string) => chart('Both').getByRole('button', { name: new RegExp(`^${name} `) })
    const drawn = () => chart('Both').locator('path.chart__line').count()
    const lines = (count: number) => waitFor(`lines: ${count}`, async () => (await drawn()) === count)
    // Each device's readings come with an answer of their own.
    await entry('fridge').getByText('min 4').waitFor()
    await lines(2)
    expect(await topTick('Both')).toBeGreaterThan(180)
    await entry('fridge').click()
    await lines(1)
    expect(await topTick('Both')).toBeLessThan(10)
    expect(await entry('oven').getAttribute('aria-pressed')).toBe('false')
    await entry('fridge').click()
    await lines(2)
    await entry('oven').click({ modifiers: ['Control'] })
    await lines(1)
    expect(await accessibilityProblems(page)).toEqual([])
  })

  it('L-CHARTSTORY-5 all of it by keyboard alone', async () => {
    await page.goto(`${site.dashboard}/devices/oven?range=1h`)
    await chart('Temperature').getByText('average of 10 s').waitFor()
    await surface('Temperature').focus()
    await page.keyboard.press('ArrowLeft')
    // What is told begins with its time; places on the screen move until the charts hold still.
    const told = async () => (await chart('Temperature').getByRole('status').textContent()) ?? ''
    const newest = await waitFor('the crosshair', async () => {
      const words = await told()
      return words.includes('Temperature') ? words : undefined
    })
    await page.keyboard.press('ArrowLeft')
    await waitFor('a step', async () => (await told()) !== newest)
    for (let step = 0; step < 20; step++) await page.keyboard.press('Shift+ArrowLeft')
    await page.keyboard.press('Enter')
    await chart('Temperature').getByText('every reading').waitFor()
    const { from, to } = rangeInAddress()
    expect(to - from).toBeGreaterThan(150_000)
    await page.keyboard.press('-')
    await waitFor('twice as much', () => rangeInAddress().to - rangeInAddress().from > 1.9 * (to - from))
    await page.keyboard.press('Escape')
    await waitFor('one step back', () => rangeInAddress().from === from)
    await page.keyboard.press('Escape')
    await chart('Temperature').getByText('average of 10 s').waitFor()
    await page.keyboard.press('Space')
    await page.getByText('Paused').first().waitFor()
    await page.keyboard.press('Space')
    await page.locator('.paused').waitFor({ state: 'detached' })
  })

  it('L-CHARTSTORY-6 a tap is the crosshair, with its numbers above the plot; a sideways drag pulls time', async () => {
    const context = await browser.newContext({
      ...{ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, reducedMotion: 'reduce' },
      storageState: await page.context().storageState(),
    })
    const desk = page
    page = await context.newPage()
    page.setDefaultTimeout(PAGE_DEADLINE_MS)
    try {
      await page.goto(`${site.dashboard}/devices/oven?range=1h`)
      await chart('Temperature').getByText('average of 10 s').waitFor()
      await surface('Temperature').scrollIntoViewIfNeeded()
      const { x, y, width } = await boxOf('Temperature')
      await page.touchscreen.tap(x + width * 0.3, y + 60)
      await chart('Temperature').locator('.chart__dock').getByText('°C').waitFor()
      await page.getByRole('button', { name: 'Resume' }).waitFor()
      const cdp = await context.newCDPSession(page)
      const touch = (type: string, share: number | null) =>
        cdp.send('Input.dispatchTouchEvent', {
          type: type as 'touchStart',
          touchPoints: share === null ? [] : [{ x: x + width * share, y: y + 60 }],
        })
      await touch('touchStart', 0.3)
      for (const share of [0.4, 0.5, 0.6, 0.7, 0.8]) await touch('touchMove', share)
      await touch('touchEnd', null)
      const { from, to } = await waitFor('another stretch', () => {
        const range = rangeInAddress()
        return range.to > 0 && range
      })
      expect(Math.round((to - from) / MINUTE)).toBe(60)
      expect((Date.now() - to) / MINUTE).toBeGreaterThan(25)
      await page.getByRole('button', { name: 'Resume' }).click()
      await waitFor('the live window', () => page.url().includes('range=1h'))
    } finally {
      page = desk
      await context.close()
    }
  })

  it('L-CHARTSTORY-7 of very many metrics only those near the screen are drawn', async () => {
    const many = await Oven.connect({ broker: site.broker, admin, releases }, 'many')
    const values = Object.fromEntries(Array.from({ length: 250 }, (_, index) => [`m${index}`, index]))
    for (const round of [1, 2, 3]) await many.say({ ...values, round })
    await page.goto(`${site.dashboard}/devices/many`)
    await waitFor('every chart', async () => (await page.locator('section.chart').count()) === 251)
    const drawn = () => page.locator('section.chart .recharts-surface').count()
    await waitFor('the first of them', async () => (await drawn()) > 2)
    expect(await drawn()).toBeLessThan(12)
    await chart('M249').scrollIntoViewIfNeeded()
    await chart('M249').locator('.recharts-surface').waitFor()
    expect(await drawn()).toBeLessThan(30)
  })
})

function chart(title: string): Locator {
  return page.getByRole('region', { name: title, exact: true })
}

function surface(title: string): Locator {
  return page.getByRole('application', { name: `${title} over time` })
}

async function boxOf(title: string): Promise<{ x: number; y: number; width: number }> {
  const box = await surface(title).boundingBox()
  if (box === null) throw new Error(`the chart ${title} is not on the page`)
  return box
}

async function hover(title: string, share: number): Promise<void> {
  await surface(title).scrollIntoViewIfNeeded()
  const { x, y, width } = await boxOf(title)
  await page.mouse.move(x + width * share, y + 60)
}

async function drag(title: string, from: number, to: number): Promise<void> {
  await hover(title, from)
  const { x, y, width } = await boxOf(title)
  await page.mouse.down()
  await page.mouse.move(x + width * to, y + 60, { steps: 5 })
  await chart(title).locator('.chart__shade').waitFor()
  await page.mouse.up()
  await page.mouse.move(10, 10)
}

/** How far apart neighbours of a line are, in pixels. */
async function stepsOf(title: string): Promise<number[]> {
  const points = await linePoints(page, title)
  return points.slice(1).map(([x], index) => x - (points[index]?.[0] ?? x))
}

/** Where the crosshair stands in each chart and lane, from 0 at the left edge of the plots to 1 at the right. */
async function crossShares(): Promise<number[]> {
  const { x, width } = await boxOf('Temperature')
  const boxes = await Promise.all((await page.locator('.cross').all()).map((cross) => cross.boundingBox()))
  return boxes.map((box) => Math.round((((box?.x ?? 0) - x) / width) * 100) / 100)
}

function rangeInAddress(): { from: number; to: number } {
  const { searchParams } = new URL(page.url())
  return { from: Number(searchParams.get('from') ?? 0), to: Number(searchParams.get('to') ?? 0) }
}

async function topTick(title: string): Promise<number> {
  const ticks = await chart(title)
    .locator('.recharts-yAxis-tick-labels text, .recharts-yAxis text')
    .allTextContents()
  return Math.max(...ticks.map((tick) => Number(tick.replace('−', '-').replaceAll(',', ''))))
}
