import { Releases } from '@telltale/infra/service'
import { startTestApi, type TestApiProgram } from '@telltale/infra/testing/api'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase } from '@telltale/infra/testing/database'
import { type DatabaseProxy, startDatabaseProxy } from '@telltale/infra/testing/database-proxy'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import { accessibilityProblems, linePoints, openBrowser, widthsThatScroll } from './browser.ts'
import { openPage } from './opened.ts'
import { type Publisher, startPublisher } from './publisher.ts'

const PASSWORD = 'correct horse battery'
const DEVICE = 'boiler'
const AWAY = 'The database does not answer.'

const releases = new Releases()
let proxy: DatabaseProxy
let broker: TestBroker
let api: TestApiProgram
let page: Page
let publisher: Publisher
let hasFailed = false

/** One outage of the database, as somebody sees it who looks at a device and at the System page. */
describe.skipIf(toolMissing('chromium'))('the database is away', () => {
  beforeAll(async () => {
    const database = await createTestDatabase()
    releases.add('database', () => database.drop())
    proxy = await startDatabaseProxy(database.url)
    releases.add('proxy', () => proxy.close())
    broker = await startTestBroker(proxy.url)
    releases.add('broker', () => broker.program.stop())
    const env = { TELLTALE_ADMIN_PASSWORD: PASSWORD, TELLTALE_DATABASE_URL: proxy.url }
    api = await startTestApi(database, broker, env)
    releases.add('api', () => api.program.stop())
    const credentials = await registerDevice(database.pool, DEVICE)
    publisher = startPublisher(broker.url, credentials, Date.now() - 3_600_000)
    releases.add('publisher', () => publisher.stop())
    const browser = await openBrowser()
    releases.add('browser', () => browser.close())
    page = (await openPage(browser)).page
    await page.goto(`${api.url}/sign-in`)
    await page.getByLabel('User name').fill('admin')
    await page.locator('input[type=password]').fill(PASSWORD)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()
  })
  beforeEach((context) => {
    if (hasFailed) context.skip('an earlier step of the story failed')
    onTestFailed(async () => {
      hasFailed = true
      console.error(await page.locator('body').ariaSnapshot(), broker.program.output(), api.program.output())
    })
  })
  afterAll(() => releases.run())

  it('R-SEENSTORY-1 the page keeps its picture, charts go on, and the banner says what is true now', async () => {
    await page.goto(`${api.url}/devices/${DEVICE}`)
    await go('System')
    await page.getByText('Nothing waits').waitFor()
    await page.goBack()
    await waitFor('a line', async () => (await points()) > 5)
    proxy.freeze()
    await page.getByText(AWAY).waitFor()
    await page.getByText(/Readings are kept on the broker’s disk \([\d,]+ so far\) and shown live/).waitFor()
    const drawn = await points()
    await waitFor('the line to go on', async () => (await points()) > drawn + 20)
    expect(await page.getByRole('alert').count()).toBe(0)
    expect(await accessibilityProblems(page)).toEqual([])
  })

  it('R-SEENSTORY-2 the System page says what waits, and shows the last picture of the storage', async () => {
    await go('System')
    await page.getByText('The database does not take what comes').waitFor()
    await page.getByText('Not ready').waitFor()
    await page.getByRole('heading', { name: 'Durability' }).waitFor()
    expect(await missing()).toBe('0')
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'spool-taking')).toEqual([])
  })

  it('R-SEENSTORY-3 when it is back the banner goes by itself, and what waited is stored', async () => {
    proxy.pass()
    await page.getByText(AWAY).waitFor({ state: 'detached' })
    await page.getByText(/[\d,]+ messages waited here while the database was away/).waitFor()
    await page.getByText('Not ready').waitFor({ state: 'detached' })
    expect(await missing()).toBe('0')
  })
})

/** Within the page, as people do: what it has stays. */
async function go(place: string): Promise<void> {
  await page.getByRole('link', { name: place, exact: true }).click()
  await page.getByRole('heading', { level: 1, name: place }).waitFor()
}

async function points(): Promise<number> {
  return (await linePoints(page, 'Temperature')).length
}

function missing(): Promise<string | null> {
  return page.locator('.ledger__sum dd').textContent()
}
