import { Releases } from '@telltale/infra/service'
import {
  type Block,
  createSite,
  type Product,
  type Site,
  startProduct,
} from '@telltale/infra/testing/product'
import { toolMissing } from '@telltale/infra/testing/tools'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFailed, onTestFinished } from 'vitest'
import { accessibilityProblems, Complaints, openBrowser, openContext, widthsThatScroll } from './browser.ts'
import {
  type Exhibits,
  exhibit,
  type Picture,
  pictures,
  routePaths,
  untilComplete,
  VIEWER,
} from './gallery.ts'
import { type Line, startLine } from './line.ts'
import { Pumps } from './pumps.ts'
import { signIn } from './session.ts'

const PAGE_DEADLINE_MS = 10_000
const EVERY_PAGE_DEADLINE_MS = 240_000

const releases = new Releases()
let site: Site
let product: Product
let block: Block
let browser: Browser
let line: Line
let exhibits: Exhibits

/** Every page with real data. `TELLTALE_SCREENSHOTS=1` leaves pictures of all of them in artefacts/. */
describe.skipIf(toolMissing('chromium'))('the gallery', () => {
  beforeAll(async () => {
    site = await createSite()
    releases.add('site', () => site.remove())
    product = startProduct(site)
    block = await product.block()
    const admin = await signIn(site.dashboard, { username: 'admin', password: block.password })
    exhibits = await exhibit(admin, new Pumps({ broker: site.broker, admin, releases }))
    line = await startLine(site.http)
    releases.add('line', () => line.close())
    browser = await openBrowser()
    releases.add('browser', () => browser.close())
  })
  afterAll(() => releases.run())

  it('U-GALLERY-1 every route of the dashboard has a picture', async () => {
    const page = await browser.newPage()
    expect(Object.keys(pictures(exhibits)).sort()).toEqual((await routePaths(page)).sort())
    await page.close()
  })

  it('U-GALLERY-2 every page fits every screen and has no barrier, in both themes', {
    timeout: EVERY_PAGE_DEADLINE_MS,
  }, async () => {
    const { page, complaints } = await open(site.dashboard, { username: 'admin', password: block.password })
    const found = new Found()
    const { '/sign-in': _door, ...inside } = pictures(exhibits)
    for (const picture of Object.values(inside).flat()) {
      found.add(picture, await judge(page, picture))
      found.add(picture, complaints.take(picture.name === 'device-none' ? /status of 404/ : undefined))
    }
    expect(found.lines()).toEqual([])
    await page.context().close()
  })

  it('U-GALLERY-3 a viewer sees what needs another role, barred and with the role beside it', {
    timeout: EVERY_PAGE_DEADLINE_MS,
  }, async () => {
    const { page, complaints } = await open(site.dashboard, VIEWER)
    const found = new Found()
    const { '/sign-in': _door, ...inside } = pictures(exhibits)
    for (const picture of Object.values(inside).flat().filter(isForViewers)) {
      await page.goto(`${site.dashboard}${picture.address}`)
      await page.getByRole('heading').first().waitFor()
      await page.waitForLoadState('load')
      found.add(picture, complaints.take(/status of (403|404)/))
    }
    expect(found.lines()).toEqual([])
    for (const [address, action] of BARRED) {
      await page.goto(`${site.dashboard}${address}`)
      const button = page.getByRole('button', { name: action }).first()
      await button.waitFor()
      expect(await button.isDisabled(), `${action} on ${address}`).toBe(true)
      await page
        .getByText(/operator|admin/i)
        .filter({ visible: true })
        .first()
        .waitFor()
    }
    expect(await accessibilityProblems(page)).toEqual([])
    await page.context().close()
  })

  it('U-GALLERY-4 while the server is slow each page keeps its place, then fills it', async () => {
    const { page } = await open(line.dashboard, { username: 'admin', password: block.password })
    // The code of the page is there; what it shows is not.
    await page.goto(`${line.dashboard}/devices/cold-room-01?tab=presence`)
    await page.getByRole('heading', { name: 'Cold room 1' }).waitFor()
    await page.getByRole('link', { name: 'Fleet' }).first().click()
    const other = page.getByRole('link', { name: 'Cold room 2' })
    await other.waitFor()
    line.hold()
    onTestFinished(() => line.flow())
    await other.click()
    await page.locator('.skel').first().waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'slow')).toEqual([])
    line.flow()
    await page.getByRole('region', { name: 'Newest values' }).waitFor()
    await page.context().close()
  })

  it('U-GALLERY-5 without the server the old picture stays and says how old it is', async () => {
    const { page } = await open(line.dashboard, { username: 'admin', password: block.password })
    await page.getByText('cold-room-01').first().waitFor()
    line.cut()
    await page
      .getByRole('status')
      .filter({ hasText: /Offline|Reconnecting/ })
      .first()
      .waitFor()
    expect(await page.getByText('cold-room-01').first().isVisible()).toBe(true)
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'gone')).toEqual([])
    line.mend()
    await page.getByRole('status').filter({ hasText: 'Live' }).first().waitFor()
    await page.context().close()
  })
})

/** What a viewer may look at but not press. */
const BARRED: [address: string, action: RegExp][] = [
  ['/connect', /Create device/],
  ['/devices/pump-1?tab=commands', /^Send/],
]

function isForViewers({ name }: Picture): boolean {
  return name !== 'device-none'
}

async function open(
  dashboard: string,
  { username, password }: { username: string; password: string },
): Promise<{ context: BrowserContext; page: Page; complaints: Complaints }> {
  const context = await openContext(browser)
  const page = await context.newPage()
  page.setDefaultTimeout(PAGE_DEADLINE_MS)
  onTestFailed(async () => {
    if (!page.isClosed()) console.error(`at ${page.url()}\n${await page.locator('body').ariaSnapshot()}`)
    console.error(product.output())
  })
  await page.goto(`${dashboard}/sign-in`)
  const complaints = new Complaints(page)
  await page.getByLabel('User name').fill(username)
  await page.locator('input[type=password]').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Fleet', exact: true }).waitFor()
  return { context, page, complaints }
}

/** One problem of the shell is on every page: it is told once, with their names. */
class Found {
  readonly #pages = new Map<string, string[]>()

  add({ name }: Picture, problems: readonly string[]): void {
    for (const problem of problems) this.#pages.set(problem, [...(this.#pages.get(problem) ?? []), name])
  }

  lines(): string[] {
    return [...this.#pages].map(([problem, pages]) => `${pages.join(', ')}: ${problem}`)
  }
}

async function judge(page: Page, picture: Picture): Promise<string[]> {
  await page.goto(`${site.dashboard}${picture.address}`)
  const missing = await untilComplete(page, picture).then(
    () => [],
    (error: Error) => [`incomplete: ${error.message.split('\n')[0]}`],
  )
  const barriers = await accessibilityProblems(page)
  const tooWide = (await widthsThatScroll(page, picture.name)).map((width) => `scrolls sideways at ${width}`)
  return [...missing, ...barriers, ...tooWide]
}
