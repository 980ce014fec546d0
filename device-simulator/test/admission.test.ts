import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { topics } from '@telltale/broker/contract'
import { Releases } from '@telltale/infra/service'
import { type Block, type Product, type Site, startProduct } from '@telltale/infra/testing/product'
import { createSharedSite } from '@telltale/infra/testing/shared-site'
import { toolMissing } from '@telltale/infra/testing/tools'
import { connectAsync, type MqttClient } from 'mqtt'
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

const run = promisify(execFile)
const KEY = 'the-key-of-this-batch'
const PAGE_DEADLINE_MS = 10_000

const releases = new Releases()
let site: Site
let product: Product
let block: Block
let browser: Browser
let page: Page
let complaints: Complaints
/** Of the integration, as the page showed it. */
let secret = ''
let hasFailed = false

/** Who is let in, who is not, and why: as an admin sees it in the browser, with real clients at the door. */
describe.skipIf(toolMissing('chromium'))('admission', () => {
  beforeAll(async () => {
    site = await createSharedSite()
    releases.add('site', () => site.remove())
    const env = { TELLTALE_ENROLMENT: 'approve', TELLTALE_ENROLMENT_KEY: KEY }
    product = startProduct(site, { args: ['--no-demo'], env })
    block = await product.block()
    browser = await openBrowser()
    releases.add('browser', () => browser.close())
    page = await (await openContext(browser)).newPage()
    page.setDefaultTimeout(PAGE_DEADLINE_MS)
    complaints = new Complaints(page)
    await page.goto(`${site.dashboard}/sign-in#link=${block.link}`)
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()
  })
  beforeEach((context) => {
    if (hasFailed) context.skip('an earlier step failed')
    onTestFailed(async () => {
      hasFailed = true
      console.error(`${await describePages(browser)}\n${product.output()}`)
    })
  })
  afterEach((context) => {
    if (context.task.result?.state !== 'fail') expect(complaints.take(undefined)).toEqual([])
  })
  afterAll(() => releases.run())

  it('S-STORY-2 an integration is made in the browser, and its secret is shown this once', async () => {
    await page.getByRole('link', { name: 'Integrations' }).click()
    await page.getByText('No integration yet').waitFor()
    await page.getByRole('button', { name: 'New integration' }).click()
    const dialog = page.getByRole('dialog')
    const make = dialog.getByRole('button', { name: 'Make integration' })
    await dialog.getByLabel('Name').fill('node red')
    await dialog.getByText('Up to 64 letters').waitFor()
    expect(await make.isDisabled()).toBe(true)
    await dialog.getByLabel('Name').fill('node-red')
    await dialog.getByLabel('May write').check()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'integration-form')).toEqual([])
    await make.click()
    secret = (await dialog.getByTestId('integration-secret').textContent()) ?? ''
    expect(secret).toMatch(/^[\w-]{43}$/)
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'integration-made')).toEqual([])
  })

  it.skipIf(toolMissing('mosquitto_pub'))('S-STORY-3 the line to paste lets it in', async () => {
    const line = page.locator('.tryline__text', { hasText: 'mosquitto_pub' })
    await run('sh', ['-c', (await line.textContent()) ?? ''], { timeout: PAGE_DEADLINE_MS })
  })

  it('S-STORY-4 the list says what it may and when it connected; revoking ends its connection', async () => {
    const flow = await connectWith('@node-red', secret)
    await flow.subscribeAsync(topics.telemetry('+'), { qos: 1 })
    const ended = new Promise<void>((resolve) => flow.once('close', () => resolve()))
    await page.getByRole('button', { name: 'I have saved it' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.reload()
    const row = page.getByRole('listitem', { name: 'node-red' })
    await row.getByText('may read and write').waitFor()
    await row.getByText('connected just now').waitFor()
    expect(await page.content()).not.toContain(secret)
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'integrations')).toEqual([])
    await row.getByRole('button', { name: 'Revoke node-red' }).click()
    await row.getByRole('button', { name: 'Revoke now' }).click()
    await page.getByText('No integration yet').waitFor()
    await ended
  })

  it('D-STORY-6 a device that waits is announced on the fleet page, and let in there', async () => {
    await page.goto(site.dashboard)
    await page.getByRole('region', { name: 'The whole fleet' }).waitFor()
    expect(await page.getByText('to be let in').count()).toBe(0)
    await refused('bay-8', KEY)
    await refused('bay-9', KEY)
    const waiting = page.getByRole('region', { name: '2 devices wait to be let in' })
    await waiting.waitFor({ timeout: 20_000 })
    await waiting.getByRole('button', { name: 'Show' }).click()
    await waiting.getByRole('listitem', { name: 'bay-8' }).getByText('asked once').waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'fleet-waiting')).toEqual([])
    await waiting.getByRole('button', { name: 'Approve bay-8' }).click()
    const last = page.getByRole('region', { name: '1 device waits to be let in' })
    await last.getByRole('button', { name: 'Reject bay-9' }).click()
    await last.getByRole('button', { name: 'Reject now' }).click()
    await last.waitFor({ state: 'detached' })
    const device = await connectWith('bay-8', KEY)
    await device.endAsync()
    await page.goto(`${site.dashboard}/devices/bay-8?tab=settings`)
    await page.getByText('Enrolment key').waitFor()
  })

  it('O-STORY-1 the page that waits for a device says that its password is wrong', async () => {
    await refused('hello', 'of another life')
    const asked = page.waitForResponse(/\/devices\/hello\/diagnostics$/)
    await page.goto(`${site.dashboard}/connect?device=hello`)
    await (await asked).finished()
    await heard().getByText('Nothing from this device yet.').waitFor()
    await refused('hello', 'mistyped')
    await heard()
      .getByText('Something tried to connect as this device from 127.0.0.1 with a wrong password.')
      .waitFor()
    await heard().getByText('Check what is programmed into it').waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'connect-wrong-password')).toEqual([])
  })

  it('O-STORY-2 it also says that a user name is mistyped', async () => {
    await page.goto(`${site.dashboard}/connect?device=bay-8`)
    await heard().getByText('Nothing from this device yet.').waitFor()
    await refused('bay-B', 'whatever')
    await heard().getByText('Something tried to connect as “bay-B” from 127.0.0.1').waitFor()
  })

  it('O-STORY-3 the device page and the system page list what went wrong', async () => {
    await page.goto(`${site.dashboard}/devices/hello?tab=presence`)
    const ofDevice = page.getByRole('region', { name: 'Connection problems' })
    await ofDevice.getByText('The password is not a secret of this name.').waitFor()
    await ofDevice.getByText(/^2 times since/).waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'device-problems')).toEqual([])
    await page.goto(`${site.dashboard}/system`)
    const ofAll = page.getByRole('region', { name: 'Connection problems' })
    await ofAll.getByText('bay-B', { exact: true }).waitFor()
    await ofAll.getByRole('link', { name: 'hello' }).waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'system-problems')).toEqual([])
    await page.goto(`${site.dashboard}/devices/bay-8?tab=presence`)
    await ofDevice.getByText('The device is new').waitFor()
  })
})

function heard(): Locator {
  return page.getByRole('complementary', { name: 'What the broker hears' })
}

function connectWith(username: string, password: string): Promise<MqttClient> {
  return connectAsync(site.broker, { username, password, clientId: 'esp32', reconnectPeriod: 0 })
}

async function refused(username: string, password: string): Promise<void> {
  await expect(connectWith(username, password)).rejects.toThrow(/Connection refused/)
}
