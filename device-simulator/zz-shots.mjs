import { chromium } from 'playwright-core'
import { readFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
const base = 'http://127.0.0.1:18080'
const password = /password (\S+)/.exec(readFileSync('/tmp/dash-start-first.txt', 'utf8'))[1]
const only = process.argv.slice(2)
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' })
await context.request.post(base + '/api/v1/session', { data: { username: 'admin', password } })
const page = await context.newPage()
page.setDefaultTimeout(8000)
page.on('pageerror', (e) => console.log('ERR', e.message))
page.on('console', (m) => m.type() === 'error' && console.log('CONSOLE', m.text()))
const sizes = [[1440, 900], [1024, 768], [390, 844]]
async function shots(name, prepare) {
  if (only.length && !only.includes(name)) return
  const files = []
  try {
  for (const theme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: theme })
    for (const [width, height] of sizes) {
      await page.setViewportSize({ width, height })
      if (prepare && theme === 'light' && width === 1440) await prepare()
      if (prepare?.each) await prepare.each()
      await page.waitForTimeout(250)
      const path = `/tmp/dash-shots/${name}-${width}-${theme}.png`
      await page.screenshot({ path })
      files.push(path)
    }
  }
  } catch (e) { console.log(name, e.message); await page.screenshot({ path: `/tmp/dash-shots/${name}-fail.png` }); return }
  const sheet = await browser.newPage({ viewport: { width: 2000, height: 1300 } })
  const img = (f, h) => `<img src="data:image/png;base64,${readFileSync(f).toString('base64')}" style="height:${h}px;border:1px solid #888">`
  await sheet.setContent(`<body style="margin:8px;background:#bbb"><div style="display:flex;gap:8px;align-items:flex-start">${files.slice(0, 3).map((f) => img(f, 620)).join('')}</div><div style="display:flex;gap:8px;margin-top:8px">${files.slice(3).map((f) => img(f, 620)).join('')}</div></body>`)
  await sheet.setViewportSize({ width: 2180, height: 1270 })
  await sheet.screenshot({ path: `/tmp/dash-shots/${name}.png` })
  await sheet.close()
  console.log('done', name)
}
const go = (path) => async () => { await page.goto(base + path); await page.waitForTimeout(600) }
const click = (name) => page.getByRole('button', { name }).first().click()
await shots('integrations', go('/integrations'))
await shots('integrations-form', async () => { await go('/integrations')(); await click('New integration') })
await shots('integrations-made', async () => {
  await go('/integrations')(); await click('New integration')
  await page.getByRole('textbox', { name: 'Name' }).fill('home-assistant-' + Date.now() % 1000)
  await page.getByLabel('May write').check()
  await click('Make integration'); await page.getByTestId('integration-secret').waitFor()
})
await shots('integrations-revoke', async () => { await go('/integrations')(); await page.getByRole('button', { name: /^Revoke/ }).first().click() })
await shots('fleet', go('/'))
await shots('fleet-open', async () => { await go('/')(); await click('Show') })
await shots('fleet-reject', async () => { await go('/')(); await click('Show'); await page.getByRole('button', { name: /^Reject/ }).first().click() })
await shots('presence', go('/devices/hello?tab=presence'))
await shots('presence-bottom', Object.assign(go('/devices/hello?tab=presence'), { each: () => page.evaluate('document.getElementById("problems")?.scrollIntoView()') }))
await shots('settings', go('/devices/hello?tab=settings'))
await shots('system', Object.assign(go('/system'), { each: async () => { await page.waitForTimeout(200); await page.evaluate('window.scrollTo(0, document.body.scrollHeight)') } }))
await shots('wizard', async () => {
  await page.goto(base + '/connect?device=quiet-1'); await page.waitForTimeout(500)
  try { execFileSync('mosquitto_pub', ['-h', '127.0.0.1', '-p', '11883', '-u', 'quiet-1', '-P', 'nope', '-i', 'esp32', '-t', 'x', '-m', 'x'], { stdio: 'ignore' }) } catch {}
  await page.getByText('with a wrong password').first().waitFor()
})
await shots('wizard-stranger', async () => {
  await page.goto(base + '/connect?device=quiet-2'); await page.waitForTimeout(500)
  try { execFileSync('mosquitto_pub', ['-h', '127.0.0.1', '-p', '11883', '-u', 'quiet2', '-P', 'nope', '-i', 'esp32', '-t', 'x', '-m', 'x'], { stdio: 'ignore' }) } catch {}
  await page.getByText('no such device').first().waitFor()
})
await shots('wizard-wait', Object.assign(async () => {
  await page.goto(base + '/connect?device=quiet-1'); await page.waitForTimeout(1500) }, {}))

await shots('more', Object.assign(go('/integrations'), { each: async () => { const b = page.getByRole('button', { name: 'More' }); if (await b.isVisible()) await b.click() } }))
await page.route('**/api/v1/session', async (route) => { const r = await route.fetch(); const j = await r.json(); j.user.role = 'viewer'; await route.fulfill({ json: j }) })
await shots('viewer', go('/integrations'))
await shots('viewer-system', Object.assign(go('/system'), { each: async () => { await page.waitForTimeout(200); await page.evaluate('window.scrollTo(0, document.body.scrollHeight)') } }))
await page.unroute('**/api/v1/session')
await page.route('**/api/v1/fleet', (r) => r.fulfill({ json: { total: 0, online: 0, silent: 0, offline: 0, never: 0 } }))
await shots('empty-waiting', go('/'))
await page.unroute('**/api/v1/fleet')
await page.route('**/diagnostics', async (route) => { const r = await route.fetch(); const j = await r.json(); j.items.unshift({ ...j.items[0], id: 'x', count: 1204, code: 'limit_connect_rate', cause: 'Too many new connections at once came from its address. Let clients wait longer before they connect again.', detail: 'again in 12 s', limit: { name: 'connects of one address a second', value: 1001, allowed: 1000 } }); await route.fulfill({ json: j }) })
await shots('limit', go('/devices/hello?tab=presence'))
await page.unroute('**/diagnostics')
await page.route('**/credentials', async (route) => { const r = await route.fetch(); const j = await r.json(); j.items.push({ id: '11c019-7c52-410d-b729-f96da278915b', kind: 'certificate', fingerprint: 'ab12cd34ef56ab12cd34ef56ab12cd34', createdAt: new Date().toISOString(), revokedAt: null }, { id: '22c019-7c52-410d-b729-f96da278915b', kind: 'enrolment', fingerprint: null, createdAt: new Date().toISOString(), revokedAt: null }); await route.fulfill({ json: j }) })
await shots('kinds', go('/devices/hello?tab=settings'))
await page.unroute('**/credentials')
await shots('no-problems', go('/devices/quiet-3?tab=presence'))
await browser.close()
