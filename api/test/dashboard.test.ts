import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startApi, type TestApi } from './harness.ts'

let dashboardDir: string
let api: TestApi
const html = { accept: 'text/html,*/*' }

beforeAll(async () => {
  dashboardDir = await mkdtemp(join(tmpdir(), 'telltale-dashboard-'))
  await mkdir(join(dashboardDir, 'assets'))
  await writeFile(join(dashboardDir, 'index.html'), '<!doctype html>home')
  await writeFile(join(dashboardDir, 'assets', 'app-1a2b3c.js'), 'export {}')
  api = await startApi({ dashboardDir })
})
afterAll(async () => {
  await api.stop()
  await rm(dashboardDir, { recursive: true })
})

it('O-PAGES-1 hashed files are kept for ever, the page itself is always asked for', async () => {
  const asset = await fetch(`${api.origin}/assets/app-1a2b3c.js`)
  expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  const home = await fetch(api.origin, { headers: html })
  expect([await home.text(), home.headers.get('cache-control')]).toEqual(['<!doctype html>home', 'no-cache'])
})

it('O-PAGES-2 addresses of the dashboard get the page; missing files and API paths do not', async () => {
  const page = await fetch(`${api.origin}/devices/kitchen.1?range=1h`, { headers: html })
  expect([page.status, await page.text()]).toEqual([200, '<!doctype html>home'])
  for (const path of [
    '/assets/gone-9f.js',
    '/api/v1/nothing',
    '/api',
    '/../../../etc/passwd',
    '/%2e%2e/package.json',
  ]) {
    const answer = await fetch(api.origin + path, { headers: path.startsWith('/api') ? html : {} })
    expect([path, answer.status]).toEqual([path, 404])
  }
})

it('O-PAGES-3 without a built dashboard a plain sentence says so', async () => {
  const bare = await startApi()
  const answer = await fetch(bare.origin, { headers: html })
  expect(await answer.text()).toMatch(/not built yet/)
  await bare.stop()
})
