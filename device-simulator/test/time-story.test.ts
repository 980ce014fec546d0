import { readFile } from 'node:fs/promises'
import { Releases } from '@telltale/infra/service'
import { type Block, type Product, type Site, startProduct } from '@telltale/infra/testing/product'
import { createSharedSite } from '@telltale/infra/testing/shared-site'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import { accessibilityProblems, Complaints, describePages, openBrowser, widthsThatScroll } from './browser.ts'
import { Pumps } from './pumps.ts'
import { type SignedIn, signIn } from './session.ts'

const PAGE_DEADLINE_MS = 10_000
/** Half an hour beside the others, all year round. */
const ZONE = { timezoneId: 'Asia/Kabul', offsetMs: 4.5 * 3_600_000 }
const STEP_MS = 10_000
const RANGE_MS = 600_000
/** Ten whole minutes, some hours ago. */
const start = Math.floor((Date.now() - 3 * 3_600_000) / RANGE_MS) * RANGE_MS
const end = start + RANGE_MS

const readings = Array.from({ length: RANGE_MS / STEP_MS }, (_, i) => ({
  ts: start + i * STEP_MS,
  values: { temperature: 20 + ((i * 7) % 20) / 4 },
}))
/** Just outside on both sides: the end is no part of a range. */
const outside = [start - 1, end].map((ts) => ({ ts, values: { temperature: 99 } }))

const releases = new Releases()
let site: Site
let product: Product
let block: Block
let browser: Browser
let context: BrowserContext
let page: Page
let complaints: Complaints
let admin: SignedIn
let pumps: Pumps
let hasFailed = false

/** What people do with time around the charts: each step goes on where the one before has ended. */
describe.skipIf(toolMissing('chromium'))('time around the charts', () => {
  beforeAll(async () => {
    site = await createSharedSite()
    releases.add('site', () => site.remove())
    product = startProduct(site, { args: ['--no-demo'] })
    block = await product.block()
    admin = await signIn(site.dashboard, { username: 'admin', password: block.password })
    pumps = new Pumps({ broker: site.broker, admin, releases })
    await pumps.add('pump-1')
    await pumps.say('pump-1', JSON.stringify([...readings, ...outside]))
    await pumps.say('pump-1', JSON.stringify([{ ts: start + 1, values: { note: '=1+1' } }]))
    browser = await openBrowser()
    releases.add('browser', () => browser.close())
    const usual = {
      viewport: { width: 1440, height: 900 },
      reducedMotion: 'reduce',
      colorScheme: 'light',
    } as const
    context = await browser.newContext({ ...usual, timezoneId: ZONE.timezoneId })
    page = await context.newPage()
    page.setDefaultTimeout(PAGE_DEADLINE_MS)
    complaints = new Complaints(page)
    await page.goto(`${site.dashboard}/sign-in#link=${block.link}`)
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()
  })
  beforeEach((test) => {
    if (hasFailed) test.skip('an earlier step of the story failed')
    onTestFailed(async () => {
      hasFailed = true
      console.error(`${await describePages(browser)}\n${product.output()}`)
    })
  })
  afterEach((test) => {
    if (test.task.result?.state !== 'fail') expect(complaints.take(undefined)).toEqual([])
  })
  afterAll(() => releases.run())

  it('L-TIMESTORY-1: a range that cannot be is refused beside its field, and nothing changes', async () => {
    await page.goto(`${site.dashboard}/devices/pump-1?range=6h`)
    await linesOf('Temperature')
    await rangeButton().click()
    await page.getByRole('grid').or(page.locator('table')).first().waitFor()
    for (const [from, to, words] of [
      ['soon', 'now', 'Not a time.'],
      [local(end), local(start), 'Must be before the end.'],
      ['2010-01-01', 'now', 'More than ten years before the end.'],
    ] as const) {
      await typeRange(from, to)
      await page.getByRole('alert').getByText(words).waitFor()
      expect(await page.evaluate('document.activeElement.name')).toBe('from')
    }
    expect(new URL(page.url()).search).toBe('?range=6h')
    expect(await accessibilityProblems(page)).toEqual([])
    await page.keyboard.press('Escape')
    await page.getByLabel('From', { exact: true }).waitFor({ state: 'detached' })
    await rangeButton().and(page.locator(':focus')).waitFor()
  })

  it('L-TIMESTORY-2: a typed range is in the address, and the address shows the same picture', async () => {
    await rangeButton().click()
    await typeRange(local(start), local(end))
    await waitFor('the address', async () => new URL(page.url()).search === `?from=${start}&to=${end}`)
    // Over midnight the end has its date too.
    const words = new RegExp(`${local(start).slice(11)} to (.* )?${local(end).slice(11)}$`)
    await page.getByRole('button', { name: words }).waitFor()
    const drawn = await linesOf('Temperature', readings.length)
    await page.reload()
    await page.getByRole('button', { name: words }).waitFor()
    expect(await linesOf('Temperature', readings.length)).toEqual(drawn)
  })

  it('L-TIMESTORY-3: the zone of the whole dashboard is switched: ticks, ranges, clocks, in all tabs', async () => {
    const other = await context.newPage()
    await other.goto(`${site.dashboard}/system`)
    await other.getByText(', Kabul').waitFor()
    expect((await ticksOf('Temperature'))[0]).toBe(local(start).slice(11))
    await page.getByRole('button', { name: /Times are shown in Kabul/ }).click()
    await page.getByRole('menuitem', { name: /UTC$/ }).click()
    const utc = new Date(start).toISOString().slice(11, 16)
    await waitFor('the ticks', async () => (await ticksOf('Temperature'))[0] === utc)
    await page
      .getByRole('button', { name: `Range: ${utc} to` })
      .or(rangeButton().getByText(utc))
      .first()
      .waitFor()
    await other.getByText(', UTC').waitFor()
    await other.close()
    await page.reload()
    await waitFor('the ticks', async () => (await ticksOf('Temperature'))[0] === utc)
    const plot = page.getByRole('region', { name: 'Temperature', exact: true }).locator('.plotbox')
    await plot.hover({ position: { x: 80, y: 60 } })
    const tip = page.locator('.tip__head').first()
    await waitFor('the tip', async () => (await tip.textContent())?.includes(utc.slice(0, 3)) === true)
  })

  it('L-TIMESTORY-4: the table shows the readings that the chart draws, newest first', async () => {
    await page.getByRole('button', { name: 'Show as a table' }).click()
    const rows = page.getByRole('region', { name: 'Temperature', exact: true }).locator('tbody tr')
    await waitFor('the rows', async () => (await rows.count()) === readings.length)
    const shown = await Promise.all((await rows.all()).map((row) => row.locator('> *').allInnerTexts()))
    expect(shown.map((cells) => cells.map((text) => text.trim()))).toEqual(
      readings
        .toReversed()
        .map(({ ts, values }) => [
          expect.stringContaining(new Date(ts).toISOString().slice(11, 19)),
          String(values.temperature),
        ]),
    )
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'time-table')).toEqual([])
  })

  it('L-TIMESTORY-5: the file has exactly the readings of the range, and no formula', async () => {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: /as CSV/ }).click(),
    ])
    const [head, ...lines] = (await readFile(await download.path(), 'utf8')).trimEnd().split('\r\n')
    expect([download.suggestedFilename(), head]).toEqual(['pump-1.csv', 'time,metric,value'])
    const line = (ts: number, metric: string, value: unknown) =>
      `${new Date(ts).toISOString()},${metric},${value}`
    const stored = readings.map(({ ts, values }) => line(ts, 'temperature', values.temperature))
    expect(lines.toSorted()).toEqual([...stored, line(start + 1, 'note', "'=1+1")].toSorted())
  })

  it('L-TIMESTORY-6: a command and a lost connection are marks at their time, with a way to their story', async () => {
    await pumps.say('pump-1', '{"temperature":21}')
    const from = Date.now() - 10_000
    const to = from + 60_000
    await page.goto(`${site.dashboard}/devices/pump-1?from=${from}&to=${to}`)
    const events = page.getByRole('region', { name: 'Events' })
    await events.getByText('none in this range').or(events.getByRole('button').first()).first().waitFor()
    const sent = await admin.send<{ createdAt: string }>('POST', '/devices/pump-1/commands', {
      name: 'reset',
    })
    const mark = events.getByRole('button', { name: /command reset, succeeded|events/ })
    await mark.waitFor()
    const style = (await mark.locator('xpath=..').getAttribute('style')) ?? ''
    const left = Number(/left: ([\d.]+)%/.exec(style)?.[1])
    expect(left).toBeCloseTo(((Date.parse(sent.createdAt) - from) / (to - from)) * 100, 1)
    const client = await pumps.connect('pump-1')
    client.stream.destroy()
    await waitFor('the mark of the loss', async () =>
      (await markWords()).includes('offline, connection lost'),
    )
    await mark.first().click()
    await page.getByRole('link', { name: /command reset, succeeded/ }).click()
    await page
      .getByRole('link', { name: 'Commands', exact: true })
      .and(page.locator('[aria-current]'))
      .waitFor()
  })

  it('L-TIMESTORY-7: on a phone nothing is too small for a finger, and the calendar fits', async () => {
    await page.goto(`${site.dashboard}/devices/pump-1?range=30d`)
    await page.setViewportSize({ width: 390, height: 844 })
    await page.getByRole('button', { name: 'Range: Last 30 d' }).waitFor()
    expect(await tooSmall(page.locator('.timebar'))).toEqual([])
    await rangeButton().click()
    await page.getByRole('button', { name: 'Apply' }).waitFor()
    expect(await tooSmall(page.locator('.rangepanel__live'))).toEqual([])
    const box = await page.getByRole('dialog').boundingBox()
    expect([(box?.y ?? -1) >= 0, (box?.y ?? 0) + (box?.height ?? 0) <= 844]).toEqual([true, true])
    await page.keyboard.press('Escape')
    await page.setViewportSize({ width: 1440, height: 900 })
    expect(await widthsThatScroll(page, 'time-bar')).toEqual([])
  })
})

/** As clocks in that zone show it. */
function local(time: number): string {
  return new Date(time + ZONE.offsetMs).toISOString().slice(0, 16).replace('T', ' ')
}

function rangeButton(): Locator {
  return page.locator('.timebar').getByRole('button', { name: /^(Choose a range|Range: )/ })
}

async function typeRange(from: string, to: string): Promise<void> {
  await page.getByLabel('From', { exact: true }).fill(from)
  await page.getByLabel('To', { exact: true }).fill(to)
  await page.getByRole('button', { name: 'Apply' }).click()
}

/** The path of each line of a chart, when so many points are drawn; until then it may show what was there before. */
async function linesOf(title: string, pointCount?: number): Promise<(string | null)[]> {
  const lines = page.getByRole('region', { name: title, exact: true }).locator('.chart__line')
  const points = async () => ((await lines.first().getAttribute('d')) ?? '').split(/[ML]/).length - 1
  const isDrawn = (count: number) => (pointCount === undefined ? count > 0 : count === pointCount)
  await waitFor('the line', async () => (await lines.count()) > 0 && isDrawn(await points()))
  return Promise.all((await lines.all()).map((line) => line.getAttribute('d')))
}

function ticksOf(title: string): Promise<string[]> {
  return page.getByRole('region', { name: title, exact: true }).locator('.chart__time').allTextContents()
}

/** What the marks say, one after the other, those of a group as well. */
async function markWords(): Promise<string> {
  const marks = page.getByRole('region', { name: 'Events' }).getByRole('button')
  const words: string[] = []
  for (const mark of await marks.all()) {
    words.push((await mark.getAttribute('aria-label')) ?? '')
    if (!/\d events/.test(words.at(-1) ?? '')) continue
    await mark.click()
    words.push(...(await page.getByRole('dialog').getByRole('link').allInnerTexts()))
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  }
  return words.join('\n')
}

/** Controls of less than 44 pixels either way. */
async function tooSmall(within: Locator): Promise<string[]> {
  const found: string[] = []
  for (const control of await within.locator('button, a').all()) {
    const box = await control.boundingBox()
    if (box !== null && Math.min(box.width, box.height) < 44)
      found.push(`${await control.textContent()} ${JSON.stringify(box)}`)
  }
  return found
}
