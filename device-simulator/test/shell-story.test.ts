import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Releases } from '@telltale/infra/service'
import { startTestApi, type TestApiProgram } from '@telltale/infra/testing/api'
import { startTestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase } from '@telltale/infra/testing/database'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import { accessibilityProblems, Complaints, openBrowser, openContext, widthsThatScroll } from './browser.ts'
import { Pumps } from './pumps.ts'
import { keptPaths, ServedCopy } from './served-copy.ts'
import { type SignedIn, signIn } from './session.ts'

const PASSWORD = 'a lamp that tells a tale'
const PAGE_DEADLINE_MS = 10_000
/** Longer than the longest wait between two attempts. */
const RETRY_DEADLINE_MS = 25_000
const PHONE = { width: 390, height: 844 }
const DESK = { width: 1440, height: 900 }
const AWAY = 'Offline: Telltale cannot be reached'

const releases = new Releases()
let copy: ServedCopy
let api: TestApiProgram
let admin: SignedIn
let pumps: Pumps
let browser: Browser
let context: BrowserContext
let page: Page
let complaints: Complaints
/** Complaints of the browser that a step brings about on purpose. */
let expected: RegExp | undefined
let hasFailed = false

/** What is around every page: each step goes on where the one before has ended. */
describe.skipIf(toolMissing('chromium'))('the shell', () => {
  beforeAll(async () => {
    const dir = await mkdtemp(join(tmpdir(), 'telltale-served-'))
    releases.add('copy', () => rm(dir, { recursive: true }))
    copy = await ServedCopy.create(dir)
    const database = await createTestDatabase()
    releases.add('database', () => database.drop())
    const broker = await startTestBroker(database.url)
    releases.add('broker', () => broker.program.stop())
    const env = { TELLTALE_ADMIN_PASSWORD: PASSWORD }
    api = await startTestApi(database, broker, env, { script: copy.script })
    releases.add('api', () => api.program.stop())
    admin = await signIn(api.url, { username: 'admin', password: PASSWORD })
    pumps = new Pumps({ broker: broker.url, admin, releases })
    for (const id of ['pump-1', 'pump-2', 'pump-3']) await pumps.add(id)
    await pumps.say('pump-2', '{"pressure":2.5}')
    browser = await openBrowser()
    releases.add('browser', () => browser.close())
    context = await openContext(browser)
    page = await context.newPage()
    page.setDefaultTimeout(PAGE_DEADLINE_MS)
    complaints = new Complaints(page)
    await enter(page, 'admin', PASSWORD)
    complaints.take(/status of 401/)
  })
  beforeEach((test) => {
    if (hasFailed) test.skip('an earlier step of the story failed')
    expected = undefined
    onTestFailed(async () => {
      hasFailed = true
      console.error(`at ${page.url()}\n${await page.locator('body').ariaSnapshot()}\n${api.program.output()}`)
    })
  })
  afterEach((test) => {
    if (test.task.result?.state !== 'fail') expect(complaints.take(expected)).toEqual([])
  })
  afterAll(() => releases.run())

  it('O-SHELLSTORY-1 from anywhere to a device by keyboard alone', async () => {
    await page.keyboard.press('Control+k')
    await palette().waitFor()
    await page.keyboard.type('pump')
    await option('Pump 2').getByText('2.5').waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'palette')).toEqual([])
    await page.keyboard.press('ArrowDown')
    expect(await option('Pump 2').getAttribute('aria-selected')).toBe('true')
    expect(await palette().getAttribute('aria-activedescendant')).toBe(
      await option('Pump 2').getAttribute('id'),
    )
    await page.keyboard.press('Enter')
    await title('Pump 2').waitFor()
    await waitFor('the focus on the heading', async () => (await focused()) === 'Pump 2')
    await waitFor('the title', async () => (await page.title()) === 'Pump 2 · Telltale')
    // Enter right after the last letter means what will be found for it.
    await page.keyboard.press('Control+k')
    await page.keyboard.type('pump-3')
    await page.keyboard.press('Enter')
    await title('Pump 3').waitFor()
  })

  it('O-SHELLSTORY-2 what was looked at comes first, and actions and pages are there too', async () => {
    await page.keyboard.press('Control+k')
    await page.getByRole('group', { name: 'Recent' }).getByRole('option', { name: 'Pump 2' }).waitFor()
    await page.keyboard.type('utc')
    await option('Use UTC').click()
    await page.getByRole('button', { name: 'Times are shown in UTC' }).waitFor()
    await page.keyboard.press('Control+k')
    await page.keyboard.type('nothing is called this')
    await page.getByText('Nothing is called “nothing is called this”.').waitFor()
    await page.keyboard.press('Escape')
    await palette().waitFor({ state: 'detached' })
  })

  it('O-SHELLSTORY-3 the keys say what they do, and do nothing inside a field', async () => {
    await page.keyboard.press('?')
    const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
    await sheet.getByText('Go to System').waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'keys')).toEqual([])
    // With a dialog open no shortcut fires.
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    await page.keyboard.press('Escape')
    await sheet.waitFor({ state: 'detached' })
    expect(new URL(page.url()).pathname).toBe('/devices/pump-3')
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    await title('System').waitFor()
    await page.keyboard.press('/')
    await palette().waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('g')
    await page.keyboard.press('f')
    await title('Fleet').waitFor()
    await page.keyboard.press('/')
    const search = page.locator('#main search input')
    await waitFor(
      "the focus in the page's own search",
      async () => (await focused('ariaLabel')) === 'Search devices',
    )
    await page.keyboard.type('?')
    expect(await search.inputValue()).toBe('?')
    expect(await page.getByRole('dialog').count()).toBe(0)
    await search.fill('')
  })

  it('O-SHELLSTORY-4 a pinned device is live beside every page, and goes when it is deleted', async () => {
    expected = /status of 404/
    await page.goto(`${api.url}/devices/pump-2`)
    await page.getByRole('button', { name: 'Pinned to the side bar' }).click()
    await pinned().getByRole('link', { name: 'Pump 2' }).getByText('2.5').waitFor()
    await page.goto(`${api.url}/system`)
    await pinned().getByText('2.5').waitFor()
    await waitFor('the live value', async () => {
      await pumps.say('pump-2', '{"pressure":3.75}')
      return (await pinned().getByText('3.75').count()) === 1
    })
    expect(await accessibilityProblems(page)).toEqual([])
    await admin.send('DELETE', '/devices/pump-2')
    await page.reload()
    await title('System').waitFor()
    await pinned().waitFor({ state: 'detached' })
  })

  it('O-SHELLSTORY-5 on a phone the places are at the bottom, and the rest is under More', async () => {
    // Its last places had the deleted device in them.
    expected = /status of 404/
    await page.setViewportSize(PHONE)
    const bottom = page.getByRole('navigation', { name: 'Main, phone' })
    for (const item of await bottom.locator(':is(a, button)').all()) {
      const box = await item.boundingBox()
      expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(44)
    }
    await bottom.getByRole('button', { name: 'More' }).click()
    const more = page.getByRole('dialog', { name: 'More' })
    await more.getByRole('link', { name: 'Device types' }).waitFor()
    await more.getByRole('button', { name: 'Sign out' }).waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    await more.getByRole('button', { name: 'Dark' }).click()
    await page.locator('html[data-theme="dark"]').waitFor()
    await more.getByRole('button', { name: 'As the system' }).click()
    await page.locator('html[data-theme="light"]').waitFor()
    await page.keyboard.press('Escape')
    await bottom.getByRole('button', { name: 'Search' }).click()
    await palette().fill('pump-1')
    await page.getByRole('group', { name: 'Devices' }).getByRole('option', { name: 'Pump 1' }).click()
    await title('Pump 1').waitFor()
    await page.setViewportSize(DESK)
  })

  it('O-SHELLSTORY-6 who may only look is told so once, and what it may not do is locked', async () => {
    await admin.send('POST', '/users', { username: 'vera', role: 'viewer', password: PASSWORD })
    const viewer = await (await openContext(browser)).newPage()
    viewer.setDefaultTimeout(PAGE_DEADLINE_MS)
    onTestFailed(async () => console.error(await viewer.locator('body').ariaSnapshot()))
    await enter(viewer, 'vera', PASSWORD)
    const line = viewer.getByRole('status').getByText('You can look, not touch.')
    await line.waitFor()
    expect(await accessibilityProblems(viewer)).toEqual([])
    await viewer.getByRole('button', { name: 'Dismiss' }).click()
    await line.waitFor({ state: 'detached' })
    await viewer.reload()
    await viewer.getByRole('heading', { level: 1 }).waitFor()
    expect(await line.count()).toBe(0)
    await viewer.keyboard.press('Control+k')
    await viewer.getByRole('combobox', { name: 'Search devices, pages and actions' }).waitFor()
    await viewer.keyboard.type('pump-1')
    const send = viewer.getByRole('option', { name: 'Send a command to Pump 1' })
    await send.getByText('needs the operator role').waitFor()
    expect(await send.getAttribute('aria-disabled')).toBe('true')
    await viewer.context().close()
  })

  it('O-OFFLINESTORY-1 without the server the shell opens, says so, and goes on by itself', async () => {
    // Reset: asked on a connection that the server was just closing.
    expected = /ERR_CONNECTION_(REFUSED|RESET)|The server did not answer/
    await page.evaluate('navigator.serviceWorker.ready.then(() => 0)')
    await waitFor('the shell to be kept', async () => (await keptPaths(page)).includes('/theme.js'))
    await api.program.stop()
    await page.goto(`${api.url}/system`)
    await page.getByRole('heading', { name: AWAY }).waitFor()
    await page.getByText(/Last heard from it/).waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'offline')).toEqual([])
    await api.restart()
    await title('System').waitFor({ timeout: RETRY_DEADLINE_MS })
    expect(new URL(page.url()).pathname).toBe('/system')
    expect(
      (await keptPaths(page)).filter((path) => !/^\/($|assets\/|[\w-]+\.(js|svg|webmanifest)$)/.test(path)),
    ).toEqual([])
  })

  it('O-OFFLINESTORY-2 the same without a network, and as soon as there is one', async () => {
    expected = /ERR_INTERNET_DISCONNECTED|The server did not answer/
    await context.setOffline(true)
    await page.reload()
    await page.getByRole('heading', { name: AWAY }).waitFor()
    await page.getByText('This browser has no network.').waitFor()
    await context.setOffline(false)
    await title('System').waitFor({ timeout: RETRY_DEADLINE_MS })
  })

  it('O-UPGRADESTORY-1 after an upgrade a page whose part is gone opens all the same, where it was asked for', async () => {
    expected = /status of 404|could not be loaded|not a supported stylesheet/
    await page.goto(api.url)
    await title('Fleet').waitFor()
    await copy.upgrade()
    await page.getByRole('link', { name: 'Device types' }).click()
    await title('Device types').waitFor()
    expect(new URL(page.url()).pathname).toBe('/types')
    // The new build is whole: its other parts load.
    await page.getByRole('link', { name: 'Integrations' }).click()
    await title('Integrations').waitFor()
  })

  it('O-UPGRADESTORY-2 what is being typed stays: the page says that there is a new version, and no more', async () => {
    expected = /status of 404|could not be loaded|not a supported stylesheet/
    await page.goto(`${api.url}/connect`)
    const name = page.getByLabel('Name')
    await name.fill('Bay 9 climate')
    await copy.upgrade()
    await page.keyboard.press('Control+k')
    await page.getByText('A new version is there.').waitFor()
    expect(await name.inputValue()).toBe('Bay 9 climate')
    await page.getByText('what you have typed here is not saved').waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    await page.getByRole('button', { name: 'Reload' }).click()
    await waitFor('the new build', async () => (await name.inputValue()) === '')
    await page.keyboard.press('Control+k')
    await palette().waitFor()
  })
})

async function enter(at: Page, username: string, password: string): Promise<void> {
  await at.goto(`${api.url}/sign-in`)
  await at.getByText('127.0.0.1 is up').waitFor()
  await at.getByLabel('User name').fill(username)
  await at.locator('input[type=password]').fill(password)
  await at.getByRole('button', { name: 'Sign in' }).click()
  await at.getByRole('heading', { name: 'Fleet' }).waitFor()
}

function palette(): Locator {
  return page.getByRole('combobox', { name: 'Search devices, pages and actions' })
}

function option(name: string): Locator {
  return page.getByRole('option', { name })
}

function title(name: string): Locator {
  return page.getByRole('heading', { level: 1, name, exact: true })
}

function pinned(): Locator {
  return page.getByRole('navigation', { name: 'Pinned' })
}

function focused(property = 'textContent'): Promise<unknown> {
  return page.evaluate(`document.activeElement.${property}`)
}
