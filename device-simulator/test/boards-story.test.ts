import { Releases } from '@telltale/infra/service'
import { type Block, type Product, type Site, startProduct } from '@telltale/infra/testing/product'
import { createSharedSite } from '@telltale/infra/testing/shared-site'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import { BoardPage, Room } from './board-page.ts'
import {
  accessibilityProblems,
  Complaints,
  describePages,
  openBrowser,
  openContext,
  widthsThatScroll,
} from './browser.ts'
import { type SignedIn, signIn } from './session.ts'

const PAGE_DEADLINE_MS = 10_000
const HOSTILE = '<img src=x onerror=alert(1)>'
const PASSWORD = 'correct horse battery'

const room = {
  metrics: {
    temperature: {
      ...{ label: 'Air', unit: '°C', decimals: 1, min: -40, max: 40 },
      thresholds: [{ above: 30, level: 'alarm' }],
    },
  },
  commands: {
    'set-level': {
      label: 'Set the level',
      params: { type: 'object', properties: { level: { type: 'integer', title: 'Level', default: 3 } } },
    },
  },
}

const releases = new Releases()
let site: Site
let product: Product
let block: Block
let browser: Browser
let page: Page
let complaints: Complaints
let admin: SignedIn
let board: BoardPage
let device: Room
/** Complaints of the browser that a step brings about on purpose. */
let expected: RegExp | undefined
let hasFailed = false

/** From an empty list to a wall: each step goes on where the one before has ended. */
describe.skipIf(toolMissing('chromium'))('boards', () => {
  beforeAll(async () => {
    site = await createSharedSite()
    releases.add('site', () => site.remove())
    product = startProduct(site, { args: ['--no-demo'] })
    block = await product.block()
    admin = await signIn(site.dashboard, { username: 'admin', password: block.password })
    await admin.send('PUT', '/types/room', room)
    const made = { id: 'room-1', name: HOSTILE, type: 'room', tags: ['cold'] }
    const { secret } = await admin.send<{ secret: string }>('POST', '/devices', made)
    device = await Room.connect({ broker: site.broker, releases, id: 'room-1', secret })
    await device.say({ temperature: 21.4, door: 'open', 'gps.lat': 52.37, 'gps.lon': 4.89 })
    browser = await openBrowser()
    releases.add('browser', () => browser.close())
    page = await (await openContext(browser)).newPage()
    page.setDefaultTimeout(PAGE_DEADLINE_MS)
    complaints = new Complaints(page)
    board = new BoardPage(page)
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

  it('U-BOARDSTORY-1 without a board the list says what one is for, and makes one', async () => {
    await page.getByRole('link', { name: 'Boards' }).first().click()
    await page.getByText('No board of your own yet').waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'boards-empty')).toEqual([])
    await page.getByRole('button', { name: 'New board' }).first().click()
    await page.getByRole('dialog').getByLabel('Name').fill('Morning')
    await page.getByRole('button', { name: 'Create the board' }).click()
    await page.getByText('Nothing on this board yet').waitFor()
  })

  it('U-BOARDSTORY-2 a panel is described in a dialog, which shows what it will be', async () => {
    await board.addPanel('Chart', async (dialog) => {
      await dialog.getByRole('button', { name: 'Add to the board' }).click()
      await dialog.getByRole('alert').getByText('Choose at least one metric.').waitFor()
      await board.chooseDevice(dialog)
      await dialog.getByRole('button', { name: 'Air 21.4 °C' }).click()
      await dialog.getByRole('region', { name: 'Preview' }).getByRole('region', { name: 'Air' }).waitFor()
      expect(await accessibilityProblems(page)).toEqual([])
      expect(await widthsThatScroll(page, 'boards-dialog')).toEqual([])
    })
  })

  it('U-BOARDSTORY-3 a board has panels of each kind', async () => {
    for (const kind of ['Tile', 'Gauge'])
      await board.addPanel(kind, async (dialog) => {
        await board.chooseDevice(dialog)
        await dialog.getByRole('button', { name: 'Air 21.4 °C' }).click()
        await dialog.getByLabel('Title').fill(`${kind} of the air`)
      })
    await board.addPanel('State', async (dialog) => {
      await board.chooseDevice(dialog)
      await dialog.getByRole('button', { name: 'Door open' }).click()
    })
    await board.addPanel('Positions', async (dialog) => {
      await dialog.getByLabel('Whose').selectOption('tag')
      await dialog.getByLabel('Tag', { exact: true }).fill('cold')
    })
    await board.addPanel('Command', async (dialog) => {
      await board.chooseDevice(dialog)
      await dialog.getByLabel('Command', { exact: true }).selectOption('set-level')
      await dialog.getByLabel('On the button').fill('Level')
    })
    expect(await board.places()).toEqual([
      ...['Temperature', 'Tile of the air', 'Gauge of the air', 'Door', 'Positions of cold', 'Level'],
    ])
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'boards-edit')).toEqual([])
  })

  it('U-BOARDSTORY-4 panels are moved by mouse and by keyboard, sized, removed and brought back', async () => {
    await page.getByRole('button', { name: 'Move Tile of the air', exact: true }).hover()
    await page.mouse.down()
    const target = await board.slot('Temperature').boundingBox()
    if (target === null) throw new Error('the chart is not drawn')
    await page.mouse.move(target.x + 60, target.y + 60, { steps: 8 })
    await page.mouse.up()
    await waitFor('the move', async () => (await board.places())[0] === 'Tile of the air')
    const grip = page.getByRole('button', { name: 'Move Door', exact: true })
    await grip.focus()
    await page.keyboard.press('Space')
    await board.lifted('Lifted Door, place 4 of 6.')
    await page.keyboard.press('ArrowRight')
    await board.said('Door would be at place 5 of 6.')
    await page.keyboard.press('Escape')
    await board.said('Door stays at place 4.')
    await page.keyboard.press('Space')
    await board.lifted('Lifted Door, place 4 of 6.')
    await page.keyboard.press('ArrowRight')
    await board.said('Door would be at place 5 of 6.')
    await page.keyboard.press('ArrowRight')
    await board.said('Door would be at place 6 of 6.')
    await page.keyboard.press('Space')
    const order = ['Tile of the air', 'Temperature', 'Gauge of the air', 'Positions of cold', 'Level', 'Door']
    await waitFor('the move', async () => (await board.places()).join() === order.join())
    await page.getByRole('button', { name: 'Width of Door: 3 of 12 columns' }).press('ArrowRight')
    await page.getByRole('button', { name: 'Width of Door: 4 of 12 columns' }).waitFor()
    await page.getByRole('button', { name: 'Height of Door: small' }).click()
    await page.getByRole('button', { name: 'Height of Door: medium' }).waitFor()
    await page.getByRole('button', { name: 'Remove Gauge of the air' }).click()
    await page.getByText('Removed Gauge of the air. Undo brings it back.').waitFor()
    expect(await board.places()).toHaveLength(5)
    await page.getByRole('button', { name: 'Undo' }).click()
    await waitFor('the gauge', async () => (await board.places()).join() === order.join())
    await page.getByRole('link', { name: 'Boards' }).first().click()
    await page.getByRole('dialog', { name: 'Leave without saving?' }).waitFor()
    await page.getByRole('button', { name: 'Stay here' }).click()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Morning is saved.').waitFor()
    await page.getByRole('link', { name: 'Edit' }).waitFor()
  })

  it('U-BOARDSTORY-5 what was saved is there after a reload, with live values in every panel', async () => {
    await page.reload()
    await board.panel('Tile of the air').getByText('21.4').waitFor()
    await device.say({ temperature: 33, door: 'closed', 'gps.lat': 52.38, 'gps.lon': 4.9 })
    await board.panel('Tile of the air').getByText('33.0').waitFor()
    await board.panel('Tile of the air').getByText('above 30 °C').waitFor()
    const meter = page.getByRole('meter', { name: 'Gauge of the air' })
    await meter.and(page.locator('[aria-valuetext="33.0 °C"]')).waitFor()
    await board.panel('Door').getByText('closed').first().waitFor()
    await board.panel('Positions of cold').getByText('52.38000, 4.90000').waitFor()
    expect(
      await board.panel('Positions of cold').getByRole('link', { name: /map/ }).getAttribute('href'),
    ).toBe('geo:52.38,4.9')
    await board.panel('Positions of cold').getByText(HOSTILE).waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'board')).toEqual([])
  })

  it('U-BOARDSTORY-6 a command button shows what it sends, sends it, and then how far it got', async () => {
    await board.panel('Level').getByText('not sent yet').waitFor()
    await board.panel('Level').getByRole('button', { name: 'Level' }).click()
    const dialog = page.getByRole('dialog', { name: 'Level' })
    await dialog.getByRole('textbox', { name: 'Level' }).fill('7')
    expect(device.received).toEqual([])
    await dialog.getByRole('button', { name: 'Send', exact: true }).click()
    await board
      .panel('Level')
      .getByText(/^succeeded in/)
      .waitFor()
    expect(device.received).toEqual([{ name: 'set-level', params: { level: 7 } }])
  })

  it('U-BOARDSTORY-7 shared, its link shows it to a viewer, who may look and keep a copy', async () => {
    await admin.send('POST', '/users', { username: 'vera', role: 'viewer', password: PASSWORD })
    const context = await openContext(browser)
    const other = await context.newPage()
    other.setDefaultTimeout(PAGE_DEADLINE_MS)
    await other.goto(page.url())
    await other.getByLabel('User name').fill('vera')
    await other.locator('input[type=password]').fill(PASSWORD)
    await other.getByRole('button', { name: 'Sign in' }).click()
    await other.getByText('There is no such board').waitFor()
    await page.getByRole('button', { name: 'Share' }).click()
    await page.getByLabel('Anyone who is signed in may look').click()
    await page.keyboard.press('Escape')
    await waitFor('the shared board', async () => {
      const { items } = await admin.get<{ items: { shared: boolean }[] }>('/boards')
      return items[0]?.shared === true
    })
    await other.reload()
    await other.getByRole('region', { name: 'Tile of the air' }).getByText('33.0').waitFor()
    expect(await other.getByRole('link', { name: 'Edit' }).count()).toBe(0)
    const command = other.getByRole('region', { name: 'Level', exact: true })
    expect(await command.getByRole('button', { name: 'Level' }).isDisabled()).toBe(true)
    await command.getByText('needs the operator role').waitFor()
    await other.getByRole('button', { name: 'More about this board' }).click()
    await other.getByRole('menuitem', { name: 'Keep as my board' }).click()
    await other.getByRole('heading', { name: 'Morning (copy)' }).waitFor()
    await context.close()
  })

  it('U-BOARDSTORY-8 who saves second is told who was first, and loses nothing', async () => {
    expected = /status of 409/
    await page.getByRole('link', { name: 'Edit' }).click()
    await page.getByRole('button', { name: 'Duplicate Door' }).click()
    const { items } = await admin.get<{ items: { id: string }[] }>('/boards?owner=me')
    const kept = await admin.get<{ panels: unknown[]; version: number }>(`/boards/${items[0]?.id}`)
    const { panels, version } = kept
    const theirs = { name: 'Evening', shared: true, range: { kind: 'live', windowMs: 60_000 } }
    await admin.send('PUT', `/boards/${items[0]?.id}`, { ...theirs, panels, version })
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    const alert = page.getByRole('alert')
    await alert.getByText('has saved this board meanwhile').waitFor()
    await alert.getByRole('button', { name: 'Save mine as a copy' }).click()
    await page.getByRole('heading', { name: 'Morning (copy)' }).waitFor()
    const doors = page.getByRole('region', { name: 'Door', exact: true })
    await waitFor('both panels', async () => (await doors.count()) === 2)
  })

  it('U-BOARDSTORY-9 every device and every tag has a board, which can be kept', async () => {
    await page.getByRole('link', { name: 'Boards' }).first().click()
    await page.getByRole('listitem', { name: 'Evening' }).waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'boards')).toEqual([])
    await page.getByRole('list', { name: 'Boards by tag' }).getByRole('link', { name: 'cold' }).click()
    await page.getByRole('heading', { name: 'cold', exact: true }).waitFor()
    await page.getByRole('region', { name: 'Positions of cold', exact: true }).waitFor()
    await page.goBack()
    await page
      .getByRole('list', { name: 'Boards by device' })
      .getByRole('link', { name: /room-1/ })
      .click()
    await page.getByRole('button', { name: 'Set the level' }).waitFor()
    await page.getByRole('button', { name: 'Keep as my board' }).click()
    await page.getByText('alert(1)> is kept as your board.').waitFor()
  })

  it('U-BOARDSTORY-10 a wall goes from board to board without navigation, and any key leaves it', async () => {
    const { items } = await admin.get<{ items: { id: string; name: string }[] }>('/boards?owner=me')
    const [first, second] = items
    await page.goto(`${site.dashboard}/boards/${first?.id}?wall=1&cycle=2&boards=${first?.id},${second?.id}`)
    await page.getByRole('heading', { name: first?.name ?? '', level: 1 }).waitFor()
    expect(await page.getByRole('navigation').count()).toBe(0)
    await page.getByRole('heading', { name: second?.name ?? '', level: 1 }).waitFor()
    await page.getByRole('img', { name: 'Board 2 of 2' }).waitFor()
    expect(await widthsThatScroll(page, 'wall')).toEqual([])
    await page.keyboard.press('a')
    await page.getByRole('link', { name: 'Boards' }).first().waitFor()
    expect(page.url()).not.toContain('wall')
  })

  it('U-BOARDSTORY-11 a panel of a device that is gone says so, and the rest of the board goes on', async () => {
    expected = /status of 404/
    const panels = ['room-1', 'gone'].map((deviceId) => ({
      ...{ kind: 'tile', id: deviceId, deviceId, metric: 'temperature', width: 6, height: 'small' },
    }))
    const { id } = await admin.send<{ id: string }>('POST', '/boards', { name: 'Half', panels })
    await page.goto(`${site.dashboard}/boards/${id}`)
    await page.getByText('There is no device gone').waitFor()
    await page.getByText('33.0').waitFor()
  })
})
