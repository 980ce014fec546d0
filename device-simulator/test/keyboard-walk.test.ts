import { filters, parseTopic, topics } from '@telltale/broker/contract'
import { Releases } from '@telltale/infra/service'
import { type Block, type Product, type Site, startProduct } from '@telltale/infra/testing/product'
import { createSharedSite } from '@telltale/infra/testing/shared-site'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import { connectAsync, type MqttClient } from 'mqtt'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import { Complaints, describePages, openBrowser, openContext } from './browser.ts'
import { Keyboard } from './keyboard.ts'
import { signIn } from './session.ts'

const DEVICE = 'bay-7-pump'
const PAGE_DEADLINE_MS = 10_000

const releases = new Releases()
let site: Site
let product: Product
let block: Block
let browser: Browser
let page: Page
let keyboard: Keyboard
let complaints: Complaints
let device: MqttClient
let secret = ''
const received: unknown[] = []
let hasFailed = false

/** The main job from the door and back to it; the mouse is never touched. Each step goes on where one has ended. */
describe.skipIf(toolMissing('chromium'))('by keyboard only', () => {
  beforeAll(async () => {
    site = await createSharedSite()
    releases.add('site', () => site.remove())
    product = startProduct(site, { args: ['--no-demo'] })
    block = await product.block()
    const admin = await signIn(site.dashboard, { username: 'admin', password: block.password })
    await admin.send('PUT', '/types/pump', {
      metrics: { level: { label: 'Water level', unit: 'cm', decimals: 1 } },
      commands: {
        'set-level': {
          params: {
            type: 'object',
            additionalProperties: false,
            required: ['level'],
            properties: { level: { type: 'integer', title: 'Level', minimum: 0, maximum: 100 } },
          },
        },
      },
    })
    browser = await openBrowser()
    releases.add('browser', () => browser.close())
    page = await (await openContext(browser)).newPage()
    page.setDefaultTimeout(PAGE_DEADLINE_MS)
    complaints = new Complaints(page)
    keyboard = new Keyboard(page)
  })
  beforeEach((context) => {
    if (hasFailed) context.skip('an earlier step of the walk failed')
    onTestFailed(async () => {
      hasFailed = true
      console.error(`${await describePages(browser)}\n${product.output()}`)
    })
  })
  afterAll(async () => {
    await device?.endAsync(true)
    await releases.run()
  })

  it('U-KEYBOARD-1 signs in', async () => {
    await page.goto(`${site.dashboard}/sign-in`)
    await page.getByRole('heading', { name: 'Sign in to Telltale' }).waitFor()
    await keyboard.type(page.getByLabel('User name'), 'admin')
    await keyboard.type(page.locator('input[type=password]'), block.password)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Fleet', exact: true }).waitFor()
  })

  it('U-KEYBOARD-2 connects a device, and sees its first message', async () => {
    await keyboard.press(page.locator('main').getByRole('link', { name: /Connect/ }))
    await page.getByLabel('Name').waitFor()
    await keyboard.expectFocus('on the way to the page that connects a device')
    await keyboard.type(page.getByLabel('Name'), 'Bay 7 pump')
    await keyboard.press(page.getByRole('button', { name: 'Create device' }))
    secret = (await page.getByTestId('secret').textContent()) ?? ''
    await keyboard.expectFocus('when the device was created')
    device = await connectDevice()
    await say('{"level":21.5}')
    const done = page.getByRole('link', { name: 'Open device' })
    await done.waitFor()
    await keyboard.press(done)
    await page.getByRole('heading', { name: 'Bay 7 pump' }).waitFor()
    await keyboard.expectFocus("on the way to the device's page")
  })

  it('U-KEYBOARD-3 gives it a type, and sees its value with name and unit', async () => {
    await keyboard.press(tab('Settings'))
    const type = page.getByRole('combobox', { name: 'Type' })
    await type.waitFor()
    await keyboard.expectFocus('on the way to the settings')
    await keyboard.type(type, 'pump')
    await page.keyboard.press('Escape')
    await keyboard.press(page.locator('main').getByRole('button', { name: 'Save' }).first())
    await keyboard.press(tab('Charts'))
    await say('{"level":22}')
    await page.getByText('Water level').first().waitFor()
    await page.getByText('22.0').first().waitFor()
  })

  it('U-KEYBOARD-4 reads a chart by the arrow keys, looks closer and goes back', async () => {
    for (const level of [23, 24, 25]) await say(`{"level":${level}}`)
    const chart = page.getByRole('application', { name: /Water level/ })
    // A chart under the crosshair holds still: what it is to show has to be there before.
    const region = page.getByRole('region', { name: /Water level/ })
    await waitFor('the newest in the chart', async () =>
      /last\s*25\.0/.test((await region.textContent()) ?? ''),
    )
    await keyboard.walkTo(chart)
    await page.keyboard.press('End')
    await page.keyboard.press('ArrowLeft')
    await page.getByRole('status').filter({ hasText: 'Water level 24.0' }).waitFor({ state: 'attached' })
    const before = page.url()
    await page.keyboard.press('+')
    await waitFor('a closer look', () => page.url() !== before)
    await page.keyboard.press('Escape')
    await waitFor('the way back', () => page.url() === before)
    expect(await keyboard.isOn(chart)).toBe(true)
  })

  it('U-KEYBOARD-5 sends a command from its form, and sees it succeed', async () => {
    await keyboard.press(tab('Commands'))
    await keyboard.type(commands().getByRole('textbox', { name: 'Level' }), '40')
    await keyboard.press(commands().getByRole('button', { name: 'Send', exact: true }))
    await commands().getByRole('article', { name: 'set-level, succeeded' }).waitFor()
    expect(received).toEqual([{ name: 'set-level', params: { level: 40 } }])
    await keyboard.expectFocus('when the command was sent')
  })

  it('U-KEYBOARD-6 signs out', async () => {
    await keyboard.press(page.getByRole('button', { name: /Account of/ }))
    const out = page.getByRole('menuitem', { name: 'Sign out' })
    await out.waitFor()
    for (let step = 0; step < 20 && !(await keyboard.isOn(out)); step++)
      await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Sign in to Telltale' }).waitFor()
  })

  it('U-KEYBOARD-7 all the way the focus could be seen, and was never lost', () => {
    expect(keyboard.faults).toEqual([])
    expect(complaints.take(/status of 401/)).toEqual([])
  })
})

function tab(name: string): Locator {
  return page.getByRole('navigation', { name: 'Device' }).getByRole('link', { name: new RegExp(`^${name}`) })
}

function commands(): Locator {
  return page.getByRole('region', { name: 'Commands' })
}

async function say(payload: string): Promise<void> {
  await device.publishAsync(topics.telemetry(DEVICE), payload, { qos: 1 })
}

/** Does what it is told. */
async function connectDevice(): Promise<MqttClient> {
  const client = await connectAsync(site.broker, {
    ...{ clientId: DEVICE, username: DEVICE, password: secret, reconnectPeriod: 0 },
  })
  client.on('message', (topic, payload) => {
    const parsed = parseTopic(topic)
    if (parsed.kind !== 'command') return
    const { name, params } = JSON.parse(payload.toString()) as { name: string; params: unknown }
    received.push({ name, params })
    client.publish(topics.reply(DEVICE, parsed.commandId), '{"status":"succeeded"}', { qos: 1 })
  })
  await client.subscribeAsync(filters.commands(DEVICE), { qos: 1 })
  return client
}
