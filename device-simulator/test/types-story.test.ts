import { Releases } from '@telltale/infra/service'
import { type Block, type Product, type Site, startProduct } from '@telltale/infra/testing/product'
import { createSharedSite } from '@telltale/infra/testing/shared-site'
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
const HOSTILE = '<img src=x onerror=alert(1)>'

const schema = (maximum: number) => ({
  type: 'object',
  required: ['level'],
  additionalProperties: false,
  properties: {
    level: { type: 'integer', title: 'Level', minimum: 0, maximum },
    mode: { enum: ['soft', 'hard'], title: 'Mode', default: 'soft' },
    // A title is text, whatever it looks like.
    keep: { type: 'boolean', title: HOSTILE },
  },
})

const releases = new Releases()
let site: Site
let product: Product
let block: Block
let browser: Browser
let page: Page
let complaints: Complaints
let admin: SignedIn
let pumps: Pumps
/** Complaints of the browser that a step brings about on purpose. */
let expected: RegExp | undefined
let hasFailed = false

/** From a type that nobody has described to a command for many: each step goes on where the one before has ended. */
describe.skipIf(toolMissing('chromium'))('device types and commands to many', () => {
  beforeAll(async () => {
    site = await createSharedSite()
    releases.add('site', () => site.remove())
    product = startProduct(site, { args: ['--no-demo'] })
    block = await product.block()
    admin = await signIn(site.dashboard, { username: 'admin', password: block.password })
    pumps = new Pumps({ broker: site.broker, admin, releases })
    await pumps.add('pump-1')
    for (const id of ['pump-2', 'pump-3']) await pumps.add(id, 'pump')
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
    expected = undefined
    onTestFailed(async () => {
      hasFailed = true
      console.error(`${await describePages(browser)}\n${product.output()}`)
    })
  })
  afterEach((context) => {
    if (context.task.result?.state !== 'fail') expect(complaints.take(expected)).toEqual([])
  })
  afterAll(() => releases.run())

  it('D-TYPESTORY-1 an admin describes a type, and what is wrong is said at its field', async () => {
    expected = /status of 422/
    await page.getByRole('link', { name: 'Device types' }).click()
    await page.getByText('No device type yet').waitFor()
    await page.getByRole('button', { name: 'New type' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill('pump')
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByText('Nobody has described this type yet').waitFor()
    await page.getByRole('button', { name: 'Add metric' }).click()
    const metric = page.getByRole('listitem', { name: 'the new metric' })
    await metric.getByLabel('Label').fill('Water level')
    await metric.getByLabel('Unit').fill('cm')
    await metric.getByLabel('Decimals').fill('1')
    await metric.getByLabel('Name').fill('level')
    await page.getByRole('button', { name: 'Add command' }).click()
    await page.getByRole('listitem', { name: 'the new command' }).getByLabel('Name').fill('set-level')
    const command = page.getByRole('listitem', { name: 'set-level' })
    const wrong = { ...schema(100), properties: { level: { type: 'integer', pattern: '^1' } } }
    await command.getByLabel('Schema of the params').fill(JSON.stringify(wrong))
    await page.getByRole('button', { name: 'Create type' }).click()
    await command.getByText('properties › level › pattern').waitFor()
    await command.getByLabel('Schema of the params').fill(JSON.stringify(schema(100)))
    await command.getByLabel('Dangerous').check()
    await page.getByRole('button', { name: 'Create type' }).click()
    await page.getByText('pump is saved.').waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'type')).toEqual([])
    await command.getByLabel('Dangerous').uncheck()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('button', { name: 'Discard changes' }).waitFor({ state: 'detached' })
  })

  it('D-TYPESTORY-2 a device of that type shows its values with label and unit', async () => {
    await page.goto(`${site.dashboard}/devices/pump-1?tab=settings`)
    await page.getByRole('combobox', { name: 'Type' }).fill('pump')
    await page.getByRole('button', { name: 'Save' }).click()
    await waitFor('the type', async () => (await deviceOf('pump-1')).type === 'pump')
    await page.goto(`${site.dashboard}/types`)
    await page.getByRole('listitem', { name: 'pump' }).getByText('3 devices').waitFor()
    await page.goto(`${site.dashboard}/devices/pump-1`)
    await page.getByText('No values yet').waitFor()
    await pumps.say('pump-1', '{"level":7}')
    const tile = page
      .getByRole('region', { name: 'Newest values' })
      .locator('.tile', { hasText: 'Water level' })
    await tile.getByText('7.0cm').waitFor()
  })

  it('C-FORMSTORY-1 the console shows the form, and refuses a bad value beside its field', async () => {
    await page.goto(`${site.dashboard}/devices/pump-1?tab=commands`)
    await commands().getByText(HOSTILE).waitFor()
    await field('Level').fill('101')
    await commands().getByText('At most 100.').waitFor()
    await press('Send')
    await waitFor('the keyboard at the field', async () => {
      return (await page.evaluate('document.activeElement.getAttribute("aria-invalid")')) === 'true'
    })
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'command-form')).toEqual([])
    expect(await admin.get<{ items: unknown[] }>('/devices/pump-1/commands')).toMatchObject({ items: [] })
  })

  it('C-FORMSTORY-2 form and JSON are in step, and a good value reaches the device', async () => {
    await commands().getByRole('button', { name: 'JSON' }).click()
    const text = commands().getByLabel('Parameters, JSON')
    expect(JSON.parse(await text.inputValue())).toEqual({ mode: 'soft', level: 101 })
    await text.fill('{"level":40,"mode":"hard"}')
    await commands().getByRole('button', { name: 'Form' }).click()
    expect(await field('Level').inputValue()).toBe('40')
    await field('Level').press('ArrowUp')
    await commands().getByRole('button', { name: 'Yes' }).click()
    await press('Send')
    await commands().getByRole('article', { name: 'set-level, succeeded' }).waitFor()
    const params = { level: 41, mode: 'hard', keep: true }
    expect(pumps.take()).toEqual([{ deviceId: 'pump-1', name: 'set-level', params }])
  })

  it('C-FORMSTORY-3 the server has the last word, and says it at the field', async () => {
    // Somebody else has changed the type since this page read it.
    await putType({ maximum: 30, dangerous: true })
    await press('Send')
    await commands().getByText('At most 30.').waitFor()
    await commands().getByText('The params do not fit the command').waitFor()
    expect(await field('Level').getAttribute('aria-invalid')).toBe('true')
    expect(pumps.received).toEqual([])
  })

  it('C-FORMSTORY-4 a dangerous command asks for the name of the device', async () => {
    await page.reload()
    await field('Level').fill('5')
    await press('Send')
    const dialog = page.getByRole('dialog', { name: 'Send set-level?' })
    const go = dialog.getByRole('button', { name: 'Send set-level' })
    await dialog.getByLabel('Name or id').fill('pump-2')
    expect(await go.isDisabled()).toBe(true)
    expect(pumps.received).toEqual([])
    await dialog.getByLabel('Name or id').fill('Pump 1')
    await go.click()
    await waitFor('the command', () => pumps.received.length === 1)
    expect(pumps.take()[0]?.params).toEqual({ mode: 'soft', level: 5 })
  })

  it('C-BATCHSTORY-1 one command for many: counted first, sent after it was asked again', async () => {
    await putType({ maximum: 100, dangerous: true })
    await pumps.connect('pump-2')
    await page.goto(`${site.dashboard}/?q=pump`)
    await page.getByRole('button', { name: 'Send command…' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('3 devices match, 2 connected.').waitFor()
    await waitFor('the type', async () => (await dialog.getByLabel('Of type').inputValue()) === 'pump')
    await dialog.getByRole('textbox', { name: 'Level' }).fill('60')
    await dialog.getByRole('button', { name: '5 min' }).click()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'send-many')).toEqual([])
    await dialog.getByRole('button', { name: 'Send to 3 devices' }).click()
    const go = dialog.getByRole('button', { name: 'Send to 3 devices' })
    expect(await go.isDisabled()).toBe(true)
    expect(pumps.received).toEqual([])
    await dialog.getByLabel('3 or set-level').fill('3')
    await go.click()
    await page.getByRole('heading', { name: 'set-level' }).waitFor()
    await row('pump-1').getByText('Succeeded').waitFor()
    await row('pump-2').getByText('Succeeded').waitFor()
    await row('pump-3').getByText('Queued').waitFor()
    await page.getByText('2 of 3 done', { exact: true }).waitFor()
    expect(
      pumps
        .take()
        .map(({ deviceId }) => deviceId)
        .sort(),
    ).toEqual(['pump-1', 'pump-2'])
  })

  it('C-BATCHSTORY-2 its page survives a reload; Stop says what it can do, and what waits is cancelled', async () => {
    await page.reload()
    await page.getByRole('link', { name: 'Succeeded 2' }).click()
    await row('pump-3').waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'All 3' }).click()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'batch')).toEqual([])
    await page.getByRole('button', { name: 'Stop…' }).click()
    await page.getByText('1 waits and is never sent. None is under way.').waitFor()
    await page.getByRole('button', { name: 'Stop it' }).click()
    await row('pump-3').getByText('Cancelled').waitFor()
    await page.getByText('Stopped', { exact: true }).waitFor()
    await pumps.connect('pump-3')
    await page.getByRole('link', { name: 'Commands to many' }).click()
    await page.getByRole('link', { name: 'set-level' }).waitFor()
    expect(pumps.received).toEqual([])
  })

  it('C-BATCHSTORY-3 when more devices match than were counted, nothing is sent, and it is asked again', async () => {
    expected = /status of 409/
    await putType({ maximum: 100, dangerous: false })
    await page.goto(`${site.dashboard}/?q=pump`)
    await page.getByRole('button', { name: 'Send command…' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('3 devices match, 3 connected.').waitFor()
    await dialog.getByRole('textbox', { name: 'Level' }).fill('1')
    await pumps.add('pump-4', 'pump')
    await dialog.getByRole('button', { name: 'Send to 3 devices' }).click()
    await dialog.getByText('The selection has changed meanwhile: 4 devices match').waitFor()
    expect(pumps.received).toEqual([])
    await dialog.getByRole('button', { name: 'Send to 4 devices' }).click()
    await page.getByText('3 of 4 done', { exact: true }).waitFor()
    expect(pumps.take()).toHaveLength(3)
  })

  it('D-TYPESTORY-3 deleting a type says how many devices name it, and leaves them their name', async () => {
    await page.goto(`${site.dashboard}/types/pump`)
    await page.getByRole('button', { name: 'Delete…' }).click()
    await page.getByText('4 devices name it and keep the name').waitFor()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByText('No device type yet').waitFor()
    expect((await deviceOf('pump-1')).type).toBe('pump')
    await page.goto(`${site.dashboard}/devices/pump-1?tab=commands`)
    await commands().getByLabel('Parameters, JSON').waitFor()
  })
})

function deviceOf(id: string): Promise<{ type: string | null }> {
  return admin.get(`/devices/${id}`)
}

function putType({ maximum, dangerous }: { maximum: number; dangerous: boolean }): Promise<unknown> {
  return admin.send('PUT', '/types/pump', {
    metrics: { level: { label: 'Water level', unit: 'cm', decimals: 1 } },
    commands: { 'set-level': { params: schema(maximum), dangerous } },
  })
}

function commands(): Locator {
  return page.getByRole('region', { name: 'Commands' })
}

function field(label: string): Locator {
  return commands().getByRole('textbox', { name: label })
}

function press(name: string): Promise<void> {
  return commands().getByRole('button', { name, exact: true }).click()
}

function row(deviceId: string): Locator {
  return page
    .getByRole('list', { name: 'Devices' })
    .getByRole('listitem')
    .filter({ has: page.getByRole('link', { name: deviceId.replace('pump-', 'Pump '), exact: true }) })
}
