import { Releases } from '@telltale/infra/service'
import { toolMissing } from '@telltale/infra/testing/tools'
import type { Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import { accessibilityProblems, describePages, widthsThatScroll } from './browser.ts'
import { ColdRoom, coldRoomType } from './cold-room.ts'
import { type Opened, openPage, openProduct } from './opened.ts'
import type { SignedIn } from './session.ts'

const MINUTE = 60_000
const ID = 'cold-3'

const releases = new Releases()
let opened: Opened
let page: Page
let admin: SignedIn
let device: ColdRoom
/** Complaints of the browser that a step brings about on purpose. */
let expected: RegExp | undefined
let hasFailed = false

/** One device, as somebody who looks after it sees it: each step goes on where the one before has ended. */
describe.skipIf(toolMissing('chromium'))('the page of a device', () => {
  beforeAll(async () => {
    opened = await openProduct(releases)
    page = opened.page
    admin = opened.admin
    await admin.send('PUT', '/types/cold-room', coldRoomType)
    const made = { id: ID, name: 'Cold room 3', type: 'cold-room', tags: ['cold-chain', 'almere'] }
    const { secret } = await admin.send<{ secret: string }>('POST', '/devices', made)
    device = await ColdRoom.connect({ broker: opened.site.broker, id: ID, secret }, releases)
  })
  beforeEach((context) => {
    if (hasFailed) context.skip('an earlier step of the story failed')
    expected = undefined
    onTestFailed(async () => {
      hasFailed = true
      console.error(`${await describePages(opened.browser)}\n${opened.product.output()}`)
    })
  })
  afterEach((context) => {
    if (context.task.result?.state !== 'fail') expect(opened.complaints.take(expected)).toEqual([])
  })
  afterAll(() => releases.run())

  it('D-DEVSTORY-1 a value beyond an alarm threshold is a triangle, a line across the page, and a red tile', async () => {
    await open('charts')
    await page.getByText('No values yet').waitFor()
    const start = Date.now() - 10 * MINUTE
    const backlog = Array.from({ length: 20 }, (_, index) => ({
      ts: start + index * 30_000,
      values: { temperature: index < 6 ? -19 : -13.5, humidity: 70 + (index % 3) },
    }))
    await device.say(backlog)
    await device.say({ temperature: -13.6, humidity: 70, door: 'open', defrost: false })
    await page.getByText('Air above −15 °C for 7 min.').waitFor()
    await page.locator('.titlelamp').getByText('Alarm').waitFor()
    await tile('Air').getByText('above −15 °C for 7 min').waitFor()
    await tile('Humidity')
      .getByText(/^70 to 72 in (9|10) min$/)
      .waitFor()
    // A device says false; people read no.
    await tile('Defrost').getByText('no', { exact: true }).waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'device')).toEqual([])
    await device.say({ temperature: -19 })
    await page.getByText('Air above −15 °C').first().waitFor({ state: 'detached' })
    await page.locator('.titlelamp').getByText('Alarm').waitFor({ state: 'detached' })
  })

  it('L-RAWSTORY-1 the raw tab begins with what is stored and goes on with what comes', async () => {
    await page.getByRole('link', { name: 'Raw' }).click()
    await message('"defrost":false').waitFor()
    expect(await message(':-13.5').count()).toBeGreaterThan(5)
    await device.say({ humidity: 42.5 })
    await message('"humidity":42.5').getByText('arrived').waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'raw')).toEqual([])
  })

  it('L-RAWSTORY-2 it is paused, filtered, read by keyboard, and cleared', async () => {
    await page.getByRole('button', { name: 'Pause' }).click()
    for (const humidity of [51.1, 51.2, 51.3]) await device.say({ humidity })
    await raw().getByText('3 new').waitFor()
    expect(await message('"humidity":51.3').count()).toBe(0)
    await page.getByRole('button', { name: 'Resume' }).click()
    await message('"humidity":51.3').waitFor()
    await page.getByLabel('Filter by metric or text').fill('HUMIDITY :51.')
    await raw()
      .getByText(/^3 of \d+ messages match/)
      .waitFor()
    await raw().getByRole('listbox').focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    const chosen = page.getByRole('region', { name: 'The chosen message' })
    await chosen.getByText('"humidity": 51.2').waitFor()
    await page.getByLabel('Filter by metric or text').fill('nothing says this')
    await page.getByText('No message matches').waitFor()
    await page.getByLabel('Filter by metric or text').fill('')
    await raw().getByRole('button', { name: 'Clear' }).click()
    await page.getByText('Waiting for the next message').waitFor()
    await device.say({ humidity: 60.5 })
    await message('"humidity":60.5').waitFor()
    expect(await raw().getByRole('option').count()).toBe(1)
  })

  it('D-CLOCKSTORY-1 a device whose clock is off shows its time and when it arrived', async () => {
    await page.getByRole('link', { name: 'Charts' }).click()
    await device.say({ ts: Date.now() + 4 * MINUTE, values: { humidity: 61 } })
    await page.getByText('Its clock is 4 min ahead.').waitFor()
    // Shortly before midnight its time is tomorrow's.
    await page.getByText(/Device time (\d\d? \w+ \d\d:\d\d|\d\d:\d\d:\d\d), arrived \d\d:\d\d:\d\d/).waitFor()
    await tile('Humidity').getByText('by its clock').waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'clock')).toEqual([])
    const { secret } = await admin.send<{ secret: string }>('POST', '/devices', { id: 'slow', name: 'Slow' })
    const slow = await ColdRoom.connect({ broker: opened.site.broker, id: 'slow', secret }, releases)
    await slow.say({ ts: Date.now() - 3 * 24 * 60 * MINUTE, values: { level: 1 } })
    await page.goto(`${opened.site.dashboard}/devices/slow`)
    await page.getByText('Its clock is 3 d behind, or it sends late.').waitFor()
    await slow.leave()
  })

  it('D-REJECTSTORY-1 a message that cannot be read is counted on its tab, with what to do about it', async () => {
    await open('rejected')
    await page.getByText('Nothing has been rejected').waitFor()
    await device.sayText('{"temperature":')
    await page.getByRole('link', { name: 'Rejected 1 in the last 24 hours' }).waitFor()
    await page.getByText(/^Not JSON/).waitFor()
    await page.getByText('Send JSON as').waitFor()
    await page.getByRole('button', { name: 'Copy the payload' }).waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'rejected')).toEqual([])
  })

  it('C-CONSOLESTORY-1 every step of a command is seen as it happens, and nothing is shown before', async () => {
    await open('commands')
    await page.getByText('No commands yet').waitFor()
    const told = device.nextCommand()
    await admin.send('POST', `/devices/${ID}/commands`, { name: 'set-point', params: { to: -22 } })
    const commandId = await told
    await page.getByRole('article', { name: 'set-point, delivered' }).waitFor()
    await page.getByText('sent, cannot be cancelled').waitFor()
    await device.reply(commandId, { status: 'accepted' })
    await device.reply(commandId, { status: 'progress', result: 40 })
    await page.getByText('40 %').waitFor()
    await device.reply(commandId, { status: 'succeeded', result: { at: -22 } })
    await page.getByRole('article', { name: 'set-point, succeeded' }).getByText('{"at":-22}').waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'commands')).toEqual([])
  })

  it('C-CONSOLESTORY-3 a command for many goes again to those it failed for, and to no others', async () => {
    const refusing = device.answerNext({ status: 'failed', error: 'door is open' })
    const filter = { ids: [ID] }
    const batch = await admin.send<{ id: string }>('POST', '/commands', { filter, name: 'lock-door' })
    await refusing
    await page.goto(`${opened.site.dashboard}/batches/${batch.id}`)
    await page.getByText('Failed: door is open').waitFor()
    await page.getByRole('button', { name: 'Send again to 1 device…' }).click()
    const agreeing = device.answerNext({ status: 'succeeded' })
    await page.getByRole('dialog').getByRole('button', { name: 'Send to 1 device' }).click()
    await agreeing
    await page.getByRole('link', { name: 'Succeeded 1' }).waitFor()
    expect(page.url()).not.toContain(batch.id)
  })

  it('P-SESSIONSTORY-1 a lost connection is in the presence at once, with its reason', async () => {
    await open('presence')
    await page.getByText('still connected').waitFor()
    await device.leave()
    await page.getByRole('cell', { name: 'signed off' }).waitFor()
    await page
      .getByText(/^Offline since .*signed off/)
      .first()
      .waitFor()
    await page.getByRole('button', { name: /^30 d/ }).click()
    await page.getByRole('img', { name: /^Connected [\d.]+ % of this time/ }).waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'presence')).toEqual([])
  })

  it('C-CONSOLESTORY-2 for an offline device it says until when it waits, and can be cancelled', async () => {
    await open('commands')
    await admin.send('POST', `/devices/${ID}/commands`, { name: 'defrost', ttlMs: 600_000 })
    const waiting = page.getByRole('article', { name: 'defrost, queued' })
    await waiting.getByText(/waits until \d\d:\d\d/).waitFor()
    await waiting.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('article', { name: 'defrost, cancelled' }).waitFor()
    for (const name of ['a', 'b']) await admin.send('POST', `/devices/${ID}/commands`, { name })
    await page.getByRole('button', { name: 'Not sent' }).click()
    await page.getByRole('article', { name: 'set-point, succeeded' }).waitFor({ state: 'detached' })
    expect(await page.getByRole('article').count()).toBe(1)
  })

  it('D-DEVSTORY-2 who may only look sees everything, and why it is locked', async () => {
    await admin.send('POST', '/users', {
      username: 'vera',
      password: 'only-looking-1',
      role: 'viewer',
    })
    const { page: looking, complaints: seen } = await openPage(opened.browser)
    await looking.goto(`${opened.site.dashboard}/sign-in`)
    await looking.getByLabel('User name').fill('vera')
    await looking.locator('input[type=password]').fill('only-looking-1')
    await looking.getByRole('button', { name: 'Sign in' }).click()
    await looking.getByRole('heading', { name: 'Fleet' }).waitFor()
    await looking.goto(`${opened.site.dashboard}/devices/${ID}?tab=settings`)
    await looking.locator('.locked', { hasText: 'needs the operator role' }).first().waitFor()
    for (const name of ['Save', 'New secret', 'Disable', 'Delete…'])
      expect(await looking.getByRole('button', { name, exact: true }).isDisabled(), name).toBe(true)
    expect(await accessibilityProblems(looking)).toEqual([])
    await looking.goto(`${opened.site.dashboard}/devices/${ID}?tab=commands`)
    await looking.locator('.locked', { hasText: 'needs the operator role' }).first().waitFor()
    expect(await looking.getByRole('button', { name: 'Send', exact: true }).isDisabled()).toBe(true)
    expect(seen.take(/status of 401/)).toEqual([])
    await looking.context().close()
  })

  it('D-DEVSTORY-3 what others change is seen within seconds', async () => {
    await open('settings')
    await page.getByRole('textbox', { name: 'Name' }).waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'device-settings')).toEqual([])
    // The page looks every few seconds: both are seen with one look.
    await admin.send('PATCH', `/devices/${ID}`, { name: 'Cold room three', disabled: true })
    await page.getByRole('heading', { name: 'Cold room three' }).waitFor()
    await page.getByText('It is refused at the door and keeps what it has stored.').waitFor()
  })

  it('D-DEVSTORY-4 when it is deleted by somebody else the page says so, keeps the picture, and asks no more', async () => {
    expected = /status of 404/
    await open('charts')
    await tile('Humidity').waitFor()
    await admin.send('DELETE', `/devices/${ID}`)
    await page.getByRole('alert').getByText('This device has been deleted.').waitFor()
    const requests: string[] = []
    page.on('request', (request) => requests.push(request.url()))
    expect(await page.locator('.device__gone[inert] .tile', { hasText: 'Humidity' }).count()).toBe(1)
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'gone')).toEqual([])
    await page.getByRole('link', { name: 'Go to the fleet' }).click()
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()
    // All of that took seconds: nothing has asked again.
    expect(requests.filter((url) => url.includes(ID))).toEqual([])
  })
})

async function open(tab: string): Promise<void> {
  await page.goto(`${opened.site.dashboard}/devices/${ID}?tab=${tab}`)
  await page.locator('.livepill', { hasText: 'Live' }).waitFor()
}

function tile(label: string): Locator {
  return page.getByRole('region', { name: 'Newest values' }).locator('.tile', { hasText: label })
}

function raw(): Locator {
  return page.getByRole('region', { name: 'Raw messages' })
}

/** By what it says with its name: a number alone may also be the seconds of a row's time. */
function message(text: string): Locator {
  return raw().getByRole('option').filter({ hasText: text })
}
