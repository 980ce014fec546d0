import { Releases } from '@telltale/infra/service'
import { createPool, type Pool } from '@telltale/infra/storage/pool'
import { type Block, type Product, startProduct } from '@telltale/infra/testing/product'
import { createSharedSite, type SharedSite } from '@telltale/infra/testing/shared-site'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import {
  accessibilityProblems,
  Complaints,
  describePages,
  openBrowser,
  openContext,
  widthsThatScroll,
} from './browser.ts'
import { Pumps } from './pumps.ts'
import { type SignedIn, signIn } from './session.ts'

const PAGE_DEADLINE_MS = 10_000
const DEVICES = 10_000
/** With three pumps, and the device that every new site has. */
const TOTAL = DEVICES + 4

const releases = new Releases()
let site: SharedSite
let product: Product
let block: Block
let browser: Browser
let page: Page
let complaints: Complaints
let admin: SignedIn
let pumps: Pumps
let hasFailed = false

/** Ten thousand devices, registered at once; some of them connect for real. */
describe.skipIf(toolMissing('chromium'))('a fleet of ten thousand', () => {
  beforeAll(async () => {
    site = await createSharedSite()
    releases.add('site', () => site.remove())
    product = startProduct(site, { args: ['--no-demo'] })
    block = await product.block()
    const pool = createPool({ url: site.databaseUrl, name: 'test', max: 1 })
    await register(pool)
    await pool.end()
    admin = await signIn(site.dashboard, { username: 'admin', password: block.password })
    pumps = new Pumps({ broker: site.broker, admin, releases })
    for (const id of ['pump-1', 'pump-2', 'pump-3']) {
      await pumps.add(id)
      await pumps.say(id, '{"level":7,"door":"open"}')
    }
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

  it('D-FLEETSTORY-1 shows every row in its place, with only those on the screen drawn', async () => {
    await row('d-00001').getByText('Sensor 1', { exact: true }).waitFor()
    expect(await rows().first().getAttribute('aria-setsize')).toBe(String(TOTAL))
    expect(await rows().count()).toBeLessThan(60)
    await page.evaluate('scrollTo(0, document.body.scrollHeight)')
    await row('pump-3').getByText('Pump 3', { exact: true }).waitFor()
    await row('pump-3').getByText('Online').waitFor()
    await row('pump-3').getByText('Level').waitFor()
    expect(await rows().count()).toBeLessThan(60)
    // It ticks and it is live: a new value is there without a reload.
    await pumps.say('pump-3', '{"level":8.5}')
    await row('pump-3').getByText('8.5', { exact: true }).waitFor()
  })

  it('D-FLEETSTORY-2 facets say what a press leaves, and a press leaves it', async () => {
    await page.evaluate('scrollTo(0, 0)')
    await facet('roof').getByText('3,333', { exact: true }).waitFor()
    await facet('roof').click()
    await counted(3_333)
    await facet('odd').getByText('1,667', { exact: true }).waitFor()
    await facet('odd').click()
    await counted(1_667)
    await facet('Never seen').click()
    await counted(1_667)
    expect(new URL(page.url()).searchParams.get('tag')).toBe('roof,odd')
    expect(await rows().first().getAttribute('aria-setsize')).toBe('1667')
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'fleet')).toEqual([])
    await page.getByRole('button', { name: 'More tags' }).click()
    await page.getByRole('textbox', { name: 'Find a tag or type' }).fill('rare')
    const rare = await matching('tag=roof,odd,rare')
    await page.getByRole('button', { name: `rare ${rare}` }).click()
    await counted(rare)
    await page.keyboard.press('Escape')
  })

  it('D-FLEETSTORY-3 the search offers what there is, and a view kept by name leads back to it', async () => {
    await page.goto(`${site.dashboard}/`)
    const search = page.getByRole('combobox', { name: 'Search devices' })
    await search.pressSequentially('tag:ra')
    await page.getByRole('option', { name: 'tag:rare' }).waitFor()
    await search.press('ArrowDown')
    await search.press('Enter')
    await page.getByRole('button', { name: 'Remove tag:rare' }).waitFor()
    const total = await matching('tag=rare')
    await counted(total)
    await page.getByRole('button', { name: 'Views' }).click()
    await page.getByRole('textbox', { name: 'Name for tag:rare' }).fill('The rare ones')
    await page.getByRole('button', { name: 'Save view' }).click()
    expect(await accessibilityProblems(page)).toEqual([])
    await page.goto(`${site.dashboard}/?q=nobody-has-this`)
    await page.getByText('Nothing matches nobody-has-this').waitFor()
    await page.getByRole('button', { name: 'Views' }).click()
    await page.getByRole('link', { name: 'The rare ones' }).click()
    await counted(total)
  })

  it('D-FLEETSTORY-8 nothing is in another place for a moment while the page loads', async () => {
    const heights = `addEventListener('DOMContentLoaded', () => {
      window.heights = []
      new ResizeObserver(() => heights.push(document.body.scrollHeight)).observe(document.body)
    })`
    await page.addInitScript(heights)
    await page.goto(`${site.dashboard}/?q=pump-1`)
    await row('pump-1').getByText('Pump 1', { exact: true }).waitFor()
    await page.getByRole('img', { name: `${TOTAL.toLocaleString('en-US')} devices` }).waitFor()
    const [last, ...before] = (await page.evaluate<number[]>('heights')).reverse()
    expect(Math.max(...before), 'never taller than in the end').toBeLessThanOrEqual(last ?? 0)
  })

  it('D-FLEETSTORY-4 shift selects a range, and one change reaches all of it', async () => {
    await page.goto(`${site.dashboard}/?tag=roof`)
    await tick('Sensor 3').click()
    await tick('Sensor 12').click({ modifiers: ['Shift'] })
    await bar().getByText('4 selected').waitFor()
    await tick('Sensor 9').click()
    await bar().getByText('3 selected').waitFor()
    await addTag('north')
    await page.getByText('3 devices changed.').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click()
    expect(await idsOf('tag=north')).toEqual(['d-00003', 'd-00006', 'd-00012'])
  })

  it('D-FLEETSTORY-5 all that match, loaded or not, are changed; the counts follow', async () => {
    await bar().getByRole('button', { name: 'Select all 3,333' }).click()
    await bar().getByText('3,333 selected').waitFor()
    await addTag('south')
    await page.getByText('3,333 devices changed.').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click()
    expect(await matching('tag=south')).toBe(3_333)
    await page.goto(`${site.dashboard}/?tag=south,north`)
    await counted(3)
  })

  it('D-FLEETSTORY-6 many are disabled only by their number, and their connections end', async () => {
    await page.goto(`${site.dashboard}/?tag=south`)
    await page.getByRole('checkbox', { name: 'Select all that match' }).click()
    await bar().getByRole('button', { name: 'Disable' }).click()
    const dialog = page.getByRole('dialog', { name: 'Disable devices' })
    const go = dialog.getByRole('button', { name: 'Disable 3,333 devices' })
    await go.waitFor()
    expect(await go.isDisabled()).toBe(true)
    expect(await accessibilityProblems(page)).toEqual([])
    await dialog.getByRole('textbox').fill('3333')
    await go.click()
    await dialog.getByText('3,333 devices changed.').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await row('d-00003').getByText('Disabled').waitFor()
    // By hand from the menu of a row, and a device that is connected.
    await page.goto(`${site.dashboard}/?q=pump-1`)
    await row('pump-1').getByRole('button', { name: 'More for Pump 1' }).click()
    await page.getByRole('menuitem', { name: 'Disable' }).click()
    await row('pump-1').getByText('Disabled').waitFor()
    await waitFor('its connection to end', async () => (await statusOf('pump-1')) === 'offline')
  })

  it('D-FLEETSTORY-7 everything is there by keyboard alone', async () => {
    await page.goto(`${site.dashboard}/`)
    await row('d-00001').getByText('Sensor 1', { exact: true }).waitFor()
    await page.keyboard.press('j')
    await at('d-00001')
    await page.keyboard.press('j')
    await at('d-00002')
    await page.keyboard.press('x')
    await status('1 selected')
    await page.keyboard.press('Shift+ArrowDown')
    await page.keyboard.press('Shift+ArrowDown')
    await at('d-00004')
    await status('3 selected')
    await page.keyboard.press('Escape')
    await page.keyboard.press('End')
    await at('pump-3')
    await page.keyboard.press('k')
    await at('pump-2')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Pump 2' }).waitFor()
  })
})

async function register(pool: Pool): Promise<void> {
  await pool.query(
    `INSERT INTO device (id, name, tags)
     SELECT 'd-' || to_char(n, 'FM00000'), 'Sensor ' || n, array_remove(ARRAY[
       CASE WHEN n % 3 = 0 THEN 'roof' END, CASE WHEN n % 2 = 1 THEN 'odd' ELSE 'even' END,
       'part-' || n % 6, CASE WHEN n % 177 = 0 THEN 'rare' END], NULL)
     FROM generate_series(1, $1::int) n`,
    [DEVICES],
  )
  await pool.query('ANALYZE device')
}

function rows(): Locator {
  return page.getByRole('list', { name: 'Devices' }).locator('li')
}

function row(id: string): Locator {
  return page.locator(`li[data-id="${id}"]`)
}

function tick(name: string): Locator {
  return page.getByRole('checkbox', { name: `Select ${name}`, exact: true })
}

function facet(name: string): Locator {
  return page.getByRole('region', { name: 'Filter' }).getByRole('button', { name: new RegExp(`^${name} `) })
}

function bar(): Locator {
  return page.getByRole('toolbar', { name: 'Selected devices' })
}

/** What the search box says, and the length of the list. */
async function counted(count: number): Promise<void> {
  const words = `${count.toLocaleString('en-US')} of ${TOTAL.toLocaleString('en-US')}`
  await page.getByText(words, { exact: true }).waitFor()
  await page.locator(`li[data-id][aria-setsize="${count}"]`).first().waitFor()
}

async function addTag(tag: string): Promise<void> {
  await bar().getByRole('button', { name: 'Tag' }).click()
  const field = page.getByRole('dialog').locator('input').and(page.getByLabel('Add tags'))
  await field.fill(tag)
  await field.press('Enter')
  // By keyboard: the suggestions lie over the button until their field is left.
  await page.getByRole('button', { name: /^Change [\d,]+ devices$/ }).press('Enter')
}

async function idsOf(query: string): Promise<string[]> {
  return (await admin.get<{ ids: string[] }>(`/fleet/index?${query}`)).ids
}

async function matching(query: string): Promise<number> {
  return (await admin.get<{ matching: number }>(`/fleet/facets?${query}`)).matching
}

async function statusOf(id: string): Promise<string> {
  return (await admin.get<{ presence: { status: string } }>(`/devices/${id}`)).presence.status
}

/** The keyboard is on the name of that device. */
function at(id: string): Promise<unknown> {
  const focused = `document.activeElement?.closest('li')?.dataset.id`
  return waitFor(`the keyboard at ${id}`, async () => (await page.evaluate(focused)) === id)
}

/** What a screen reader is told. */
function status(words: string): Promise<void> {
  return page.getByRole('status').filter({ hasText: words }).first().waitFor({ state: 'attached' })
}
