import { Releases } from '@telltale/infra/service'
import { type Site, startProduct } from '@telltale/infra/testing/product'
import { createSharedSite } from '@telltale/infra/testing/shared-site'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import { accessibilityProblems, Complaints, openBrowser, openContext, widthsThatScroll } from './browser.ts'
import { type SignedIn, signIn, trySignIn } from './session.ts'

const PAGE_DEADLINE_MS = 10_000
const PASSWORD = 'seven quiet herons'
const NEW_PASSWORD = 'a lamp in the fog'
/** Refusals that a step brings about, as the browser reports them. */
const REFUSED = /status of (400|401|403|409|422)/
/** How buttons begin that change something for everybody. */
const CHANGES =
  /^(Send|Save|Create|Add|Do|New (type|secret)|Disable|Enable|Delete|Approve|Reject|Revoke|Disconnect)\b/

const releases = new Releases()
let site: Site
let browser: Browser
/** The admin's window, and the one of whoever is invited. */
let page: Page
let guest: Page
let complaints: Complaints[]
let admin: SignedIn
let link = ''
let expected: RegExp | undefined
let hasFailed = false

/** From an invitation to a closed door: each step goes on where the one before has ended. */
describe.skipIf(toolMissing('chromium'))('people and administration', () => {
  beforeAll(async () => {
    site = await createSharedSite()
    releases.add('site', () => site.remove())
    const product = startProduct(site, { args: ['--no-demo'] })
    const block = await product.block()
    admin = await signIn(site.dashboard, { username: 'admin', password: block.password })
    await admin.send('PUT', '/types/pump', { commands: { stop: {} } })
    await admin.send('POST', '/devices', { id: 'pump-1', name: 'Pump 1', type: 'pump' })
    browser = await openBrowser()
    releases.add('browser', () => browser.close())
    ;[page, guest] = [await openPage(), await openPage()]
    complaints = [new Complaints(page), new Complaints(guest)]
    await page.goto(`${site.dashboard}/sign-in#link=${block.link}`)
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()
  })
  beforeEach((context) => {
    if (hasFailed) context.skip('an earlier step of the story failed')
    expected = undefined
    onTestFailed(async () => {
      hasFailed = true
      for (const one of [page, guest])
        console.error(`at ${one.url()}\n${await one.locator('body').ariaSnapshot()}`)
    })
  })
  afterEach((context) => {
    const seen = complaints.flatMap((one) => one.take(expected))
    if (context.task.result?.state !== 'fail') expect(seen).toEqual([])
  })
  afterAll(() => releases.run())

  it('U-PEOPLESTORY-1 an admin invites a viewer: a name that will not do is said while typing, the link is shown once', async () => {
    await page.getByRole('link', { name: 'Users' }).click()
    await row('admin').getByText('you', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'New user' }).click()
    const dialog = page.getByRole('dialog')
    const name = dialog.getByLabel('User name')
    for (const hostile of ['<img src=x onerror=alert(1)>', 'sam😀', '\u202esam', 'سام', 'x'.repeat(200)]) {
      await name.fill(hostile)
      await dialog.getByText(/Letters a to z|At most 64/).waitFor()
      expect(await dialog.getByRole('button', { name: 'Add user' }).isDisabled()).toBe(true)
    }
    await name.fill('vera')
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'new-user')).toEqual([])
    await dialog.getByRole('button', { name: 'Add user' }).click()
    link = (await dialog.getByTestId('sign-in-link').textContent()) ?? ''
    expect(link).toMatch(new RegExp(`^${site.dashboard}/sign-in#link=[\\w-]{43}$`))
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'sign-in-link')).toEqual([])
    await dialog.getByRole('button', { name: 'I have sent it' }).click()
    await row('vera')
      .getByText(/link works until/)
      .waitFor()
    expect(await page.getByText(link).count()).toBe(0)
  })

  it('U-PEOPLESTORY-2 the viewer comes in by the link, which stays nowhere, and chooses a password', async () => {
    expected = REFUSED
    await guest.goto(link)
    await guest.getByText('Welcome, vera').waitFor()
    expect(guest.url()).toBe(`${site.dashboard}/account`)
    expect(await accessibilityProblems(guest)).toEqual([])
    expect(await widthsThatScroll(guest, 'account-first')).toEqual([])
    const field = guest.getByLabel('New password', { exact: true })
    await field.fill('Vera202611')
    await guest.getByRole('button', { name: 'Set the password' }).click()
    await guest.getByText('It is the user name, which is tried first.').waitFor()
    await field.fill(PASSWORD)
    await field.press('Enter')
    await guest.getByRole('heading', { name: 'Fleet' }).waitFor()
    expect((await trySignIn(site.dashboard, { username: 'vera', password: PASSWORD })).status).toBe(200)
    expect((await trySignIn(site.dashboard, { link: link.split('#link=')[1] ?? '' })).status).toBe(401)
  })

  it('U-PEOPLESTORY-3 the address of what only admins see leads a viewer to the reason and the role', async () => {
    const navigation = guest.getByRole('navigation', { name: 'Administration' })
    expect(await navigation.getByRole('link').allTextContents()).toEqual(['Device types'])
    expect(await navigation.getByText('needs the admin role').count()).toBe(5)
    for (const [path, what] of [
      ['/tokens', 'tokens'],
      ['/audit', 'the audit log'],
      ['/settings', 'the settings'],
      ['/integrations', 'integrations'],
      ['/users', 'users'],
    ]) {
      await guest.goto(`${site.dashboard}${path}`)
      await guest.getByText(`Only an administrator sees ${what}`).waitFor()
      await guest.getByRole('main').getByText('needs the admin role').waitFor()
    }
    expect(await accessibilityProblems(guest)).toEqual([])
    expect(await widthsThatScroll(guest, 'not-allowed')).toEqual([])
  })

  it('U-PEOPLESTORY-8 on every page, what a viewer may not press is visible, disabled, and says the role', async () => {
    for (const [path, word, role] of [
      ['/', 'Send command…', 'operator'],
      ['/connect', 'Create device', 'operator'],
      ['/types', 'New type', 'admin'],
      ['/types/pump', 'Save', 'admin'],
      ['/devices/pump-1?tab=settings', 'Delete…', 'operator'],
      ['/devices/pump-1?tab=commands', 'Send', 'operator'],
    ] as const) {
      await guest.goto(`${site.dashboard}${path}`)
      const main = guest.getByRole('main')
      await main.getByText(`needs the ${role} role`).first().waitFor()
      expect([path, await main.getByRole('button', { name: word, exact: true }).isDisabled()]).toEqual([
        path,
        true,
      ])
      const words = await main.locator('button:enabled').allTextContents()
      expect([path, words.filter((text) => CHANGES.test(text.trim()))]).toEqual([path, []])
    }
  })

  it('U-PEOPLESTORY-4 another role works at once, without signing in or loading again; by keyboard alone', async () => {
    await guest.evaluate('window.sameDocument = true')
    const button = row('vera').getByRole('button', { name: 'Change vera' })
    await button.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('menuitem', { name: 'Operator' }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await waitFor('the keyboard on a role', async () =>
      /Operator/.test(String(await page.evaluate('document.activeElement.textContent'))),
    )
    await page.keyboard.press('Enter')
    await page.getByText('vera is an operator now.').waitFor()
    await waitFor('the button', async () => !(await send().isDisabled()), 5_000)
    expect(await guest.evaluate('window.sameDocument')).toBe(true)
    expect(await guest.getByText('needs the operator role').count()).toBe(0)
    await send().click()
    await guest.getByRole('article', { name: /stop/ }).first().waitFor()
  })

  it('U-PEOPLESTORY-5 people see where they are signed in, sign out elsewhere, and change their password', async () => {
    expected = REFUSED
    const elsewhere = await signIn(site.dashboard, { username: 'vera', password: PASSWORD })
    await guest.goto(`${site.dashboard}/account`)
    const sessions = guest.getByRole('list', { name: 'Your sessions' })
    await sessions.getByText('this one').waitFor()
    expect(await accessibilityProblems(guest)).toEqual([])
    expect(await widthsThatScroll(guest, 'account')).toEqual([])
    const before = await sessions.getByRole('listitem').count()
    await sessions.getByRole('button', { name: 'Sign out' }).first().click()
    await waitFor('one less', async () => (await sessions.getByRole('listitem').count()) === before - 1)
    await guest.getByLabel('Current password', { exact: true }).fill('wrong')
    await guest.getByLabel('New password', { exact: true }).fill(NEW_PASSWORD)
    await guest.getByRole('button', { name: 'Change the password' }).click()
    await guest.getByText('It is not the current password.').waitFor()
    await guest.getByLabel('Current password', { exact: true }).fill(PASSWORD)
    await guest.getByRole('button', { name: 'Change the password' }).click()
    await guest.getByText('Your password is changed.').waitFor()
    await waitFor('one session', async () => (await sessions.getByRole('listitem').count()) === 1)
    await expect(elsewhere.get('/session')).rejects.toThrow('401')
  })

  it('U-PEOPLESTORY-6 the last admin stays, and the page says why', async () => {
    expected = REFUSED
    await row('admin').getByRole('button', { name: 'Change admin' }).click()
    await page.getByRole('menuitem', { name: 'Disable…' }).click()
    await row('admin').getByText('This is you: you are signed out at once.').waitFor()
    await row('admin').getByRole('button', { name: 'Disable now' }).click()
    await row('admin')
      .getByText(/last admin who can sign in/)
      .waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'users')).toEqual([])
    await row('admin').getByRole('button', { name: 'Keep enabled' }).click()
  })

  it('U-PEOPLESTORY-7 disabled, the open page of that user goes to the sign-in within 5 s', async () => {
    expected = REFUSED
    await guest.goto(`${site.dashboard}/devices/pump-1`)
    await guest.getByRole('heading', { name: 'Pump 1' }).waitFor()
    await row('vera').getByRole('button', { name: 'Change vera' }).click()
    await page.getByRole('menuitem', { name: 'Disable…' }).click()
    await row('vera').getByRole('button', { name: 'Disable now' }).click()
    await guest.getByRole('heading', { name: 'Sign in to Telltale' }).waitFor({ timeout: 5_000 })
    await row('vera').getByText('disabled').waitFor()
    await guest.getByLabel('User name').fill('vera')
    await guest.getByRole('textbox', { name: 'Password' }).fill(NEW_PASSWORD)
    await guest.getByRole('button', { name: 'Sign in' }).click()
    await guest.getByText('The user name or the password is not right.').waitFor()
  })

  it('U-TOKENSTORY-1 a token is shown once with a line that works, and works no more when it is revoked', async () => {
    await page.getByRole('link', { name: 'Tokens' }).click()
    await page.getByText('No token yet').waitFor()
    await page.getByRole('button', { name: 'New token' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('<b>nightly</b> report')
    await dialog.getByRole('button', { name: '30 days' }).click()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'new-token')).toEqual([])
    await dialog.getByRole('button', { name: 'Make token' }).click()
    const token = (await dialog.getByTestId('token').textContent()) ?? ''
    const line = (await dialog.locator('pre').textContent()) ?? ''
    expect(line).toContain(`Bearer ${token}`)
    expect(await widthsThatScroll(page, 'token')).toEqual([])
    const [, address = ''] = /'(http[^']+)'/.exec(line) ?? []
    const use = () => fetch(address, { headers: { authorization: `Bearer ${token}` } })
    expect((await use()).status).toBe(200)
    await dialog.getByRole('button', { name: 'I have saved it' }).click()
    const made = page.getByRole('listitem', { name: '<b>nightly</b> report' })
    await made.getByText('viewer').waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'tokens')).toEqual([])
    await made.getByRole('button', { name: 'Revoke' }).click()
    await made.getByRole('button', { name: 'Keep it' }).and(page.locator(':focus')).waitFor()
    await made.getByRole('button', { name: 'Revoke now' }).click()
    await page.getByText('No token yet').waitFor()
    expect((await use()).status).toBe(401)
  })

  it('S-AUDITSTORY-1 the audit log says who did what from where, filters into the address, and survives a reload', async () => {
    await page.getByRole('link', { name: 'Audit log' }).click()
    const entries = page.getByRole('region', { name: 'Entries' })
    const lines = entries.getByRole('listitem')
    await entries.getByText('revoked the token <b>nightly</b> report').waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'audit')).toEqual([])
    await page.getByLabel('What', { exact: true }).selectOption('user')
    await page.getByLabel('About').fill('vera')
    await page.getByLabel('About').press('Enter')
    await waitFor('the filter', async () => (await lines.count()) === 3)
    expect(page.url()).toMatch(/\/audit\?(?=.*action=user)(?=.*target=vera)/)
    await page.reload()
    await waitFor('the same', async () => (await lines.count()) === 3)
    await lines.first().click()
    await entries.getByText('"disabled": true').waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    await page.getByRole('button', { name: 'Failed' }).click()
    await page.getByText('No entry matches').waitFor()
    await page.getByRole('link', { name: 'Remove the filter' }).click()
    await entries.getByText('tried: signed in').first().waitFor()
  })

  it('O-SETTINGSSTORY-1 an admin sees how devices get in and how long readings stay, with what changes it', async () => {
    await page.getByRole('link', { name: 'Enrolment, retention' }).click()
    for (const [variable, value] of [
      ['TELLTALE_ENROLMENT', 'Closed'],
      ['TELLTALE_ENROLMENT_KEY', 'Not set'],
      ['TELLTALE_RETENTION_DAYS', 'Keeps everything'],
      ['TELLTALE_BACKFILL_DAYS', '30 days'],
    ] as const) {
      const line = page.locator('.settingrow', { has: page.getByText(variable, { exact: true }) })
      await line.getByText(value, { exact: true }).waitFor()
    }
    await page.getByText('Nobody waits').waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await widthsThatScroll(page, 'settings')).toEqual([])
  })
})

async function openPage(): Promise<Page> {
  const opened = await (await openContext(browser)).newPage()
  opened.setDefaultTimeout(PAGE_DEADLINE_MS)
  return opened
}

function row(username: string): Locator {
  return page.getByRole('listitem', { name: username, exact: true })
}

function send(): Locator {
  return guest.getByRole('region', { name: 'Commands' }).getByRole('button', { name: 'Send', exact: true })
}
