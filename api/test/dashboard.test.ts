import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApi, type TestApi } from './harness.ts'

const PAGE = '<!doctype html>home'
const CODE = `export const words = ${JSON.stringify('live '.repeat(400))}`
const ASSET = '/assets/app-1a2b3c.js'
const html = { accept: 'text/html,*/*' }

let parent: string
let api: TestApi

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'telltale-dashboard-'))
  // An installation may be below a folder of any name.
  const dashboardDir = join(parent, 'assets', 'dist')
  await mkdir(join(dashboardDir, 'assets'), { recursive: true })
  await writeFile(join(parent, 'assets', 'secret.txt'), 'outside')
  for (const [name, content] of [
    ['index.html', PAGE],
    [ASSET, CODE],
  ] as const) {
    await writeFile(join(dashboardDir, name), content)
    await writeFile(join(dashboardDir, `${name}.br`), brotliCompressSync(content))
    await writeFile(join(dashboardDir, `${name}.gz`), gzipSync(content))
  }
  await writeFile(join(dashboardDir, 'sw.js'), 'self.x = 1')
  await writeFile(join(dashboardDir, 'manifest.webmanifest'), '{"name":"Telltale"}')
  await writeFile(join(dashboardDir, 'assets', 'inter-1.woff2'), 'font')
  api = await startApi({ dashboardDir })
})
afterAll(async () => {
  await api.stop()
  await rm(parent, { recursive: true })
})

/** As it is on the wire: `fetch` decompresses, and always asks for compressed answers. */
async function ask(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const asked = (method === 'GET' ? get : request)(api.origin + path, { headers, method, agent: false })
  asked.end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = await answer.toArray()
  return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) }
}

describe('the files of the dashboard', () => {
  it('O-PAGES-1 hashed files are kept for ever, the page itself is always asked for', async () => {
    const asset = await ask(ASSET)
    expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    for (const path of ['/', '/index.html', '/devices/kitchen', '/sw.js', '/manifest.webmanifest'])
      expect([path, (await ask(path, html)).headers['cache-control']]).toEqual([path, 'no-cache'])
    expect((await ask('/', html)).body.toString()).toBe(PAGE)
  })

  it('O-PAGES-2 addresses of the dashboard get the page; missing files and API paths do not', async () => {
    const page = await ask('/devices/kitchen.1?range=1h', html)
    expect([page.status, page.body.toString()]).toEqual([200, PAGE])
    for (const path of ['/assets/gone-9f.js', '/api/v1/nothing', '/api']) {
      const answer = await ask(path, path.startsWith('/api') ? html : {})
      expect([path, answer.status]).toEqual([path, 404])
    }
  })

  it.each([
    { accepts: 'br', encoding: 'br', unpack: brotliDecompressSync },
    { accepts: 'gzip, deflate, br, zstd', encoding: 'br', unpack: brotliDecompressSync },
    { accepts: 'gzip', encoding: 'gzip', unpack: gunzipSync },
    { accepts: 'br;q=0, gzip', encoding: 'gzip', unpack: gunzipSync },
    { accepts: 'identity', encoding: undefined, unpack: (body: Buffer) => body },
  ])('O-PAGES-4 who accepts $accepts gets what was compressed ahead of time', async (kind) => {
    const { accepts, encoding, unpack } = kind
    for (const [path, content, type] of [
      [ASSET, CODE, /javascript/],
      ['/devices/kitchen', PAGE, /text\/html/],
    ] as const) {
      const answer = await ask(path, { ...html, 'accept-encoding': accepts })
      expect(answer.headers['content-encoding']).toBe(encoding)
      expect(unpack(answer.body).toString()).toBe(content)
      expect(Number(answer.headers['content-length'])).toBe(answer.body.length)
      expect(answer.headers['content-type']).toMatch(type)
      expect(answer.headers.vary?.toLowerCase()).toContain('accept-encoding')
    }
  })

  it('O-PAGES-5 a file without a compressed form is sent as it is, and says that this may vary', async () => {
    const font = await ask('/assets/inter-1.woff2', { 'accept-encoding': 'br, gzip' })
    expect([font.headers['content-encoding'], font.body.toString()]).toEqual([undefined, 'font'])
    expect(font.headers['content-type']).toBe('font/woff2')
    const manifest = await ask('/manifest.webmanifest', { 'accept-encoding': 'br' })
    expect(manifest.headers['content-type']).toMatch(/^application\/manifest\+json/)
  })

  it('O-PAGES-6 what has not changed is answered in a few bytes, each encoding by its own tag', async () => {
    const tags = new Set<string>()
    for (const accepts of ['br', 'gzip', 'identity']) {
      const headers = { ...html, 'accept-encoding': accepts }
      const tag = (await ask('/', headers)).headers.etag ?? ''
      tags.add(tag)
      for (const path of ['/', '/system']) {
        const again = await ask(path, { ...headers, 'if-none-match': tag })
        expect([path, again.status, again.body.length]).toEqual([path, 304, 0])
        expect(again.headers.vary?.toLowerCase()).toContain('accept-encoding')
      }
    }
    expect(tags.size).toBe(3)
    expect((await ask('/', { ...html, 'if-none-match': 'W/"another"' })).status).toBe(200)
  })

  it('O-PAGES-7 HEAD says what GET would, and a part of a file can be asked for', async () => {
    const headers = { 'accept-encoding': 'identity' }
    const whole = await ask(ASSET, headers)
    const head = await ask(ASSET, headers, 'HEAD')
    expect(head.status).toBe(200)
    expect(head.body).toHaveLength(0)
    for (const name of ['etag', 'content-length', 'content-type', 'cache-control'] as const)
      expect([name, head.headers[name]]).toEqual([name, whole.headers[name]])
    expect((await ask('/boards', html, 'HEAD')).status).toBe(200)
    const part = await ask(ASSET, { ...headers, range: 'bytes=0-5' })
    expect([part.status, part.body.toString()]).toEqual([206, 'export'])
    expect(part.headers['content-range']).toBe(`bytes 0-5/${CODE.length}`)
  })

  it('O-PAGES-10 a part that is not there is refused with 416 and the length', async () => {
    for (const [path, length] of [
      [ASSET, CODE.length],
      ['/sw.js', 10],
    ] as const) {
      const headers = { 'accept-encoding': 'identity', range: 'bytes=99999-' }
      const answer = await ask(path, headers)
      expect([answer.status, JSON.parse(answer.body.toString()).code]).toEqual([416, 'range_not_satisfiable'])
      expect(answer.headers['content-range']).toBe(`bytes */${length}`)
    }
  })

  it('O-PAGES-11 every page has its policies, wherever the product is installed', async () => {
    for (const path of ['/', '/index.html', '/devices/kitchen', '/sw.js']) {
      const { headers } = await ask(path, html)
      expect([path, headers['x-frame-options']]).toEqual([path, 'DENY'])
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
    }
  })

  it.each([
    '/../secret.txt',
    '/../../../etc/passwd',
    '/%2e%2e/secret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/assets/%2e%2e/%2e%2e/secret.txt',
    '/..%5csecret.txt',
    '//etc/passwd',
    '/%00',
    '/assets/%c0%ae%c0%ae/secret.txt',
  ])('O-PAGES-8 nothing outside is reachable: %s', async (path) => {
    const answer = await ask(path)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect(answer.body.toString()).not.toMatch(/outside|root:/)
  })

  it('O-PAGES-9 the policy of the page allows its own worker, manifest and font, and nothing from elsewhere', async () => {
    const { headers } = await ask('/', html)
    const policy = String(headers['content-security-policy'])
    // worker-src, manifest-src and font-src fall back to these.
    expect(policy).toContain("default-src 'self'")
    expect(policy).toContain("script-src 'self'")
    expect(policy).not.toMatch(/\bunsafe-eval\b|\*/)
    expect((await ask('/sw.js')).headers['content-type']).toMatch(/javascript/)
    // A hashed file is no document: of the policies only the one about its type is for it.
    const asset = await ask(ASSET)
    expect(asset.headers['x-content-type-options']).toBe('nosniff')
    expect(asset.headers['content-security-policy']).toBeUndefined()
  })
})

it('O-PAGES-3 without a built dashboard a plain sentence says so', async () => {
  const bare = await startApi()
  const answer = await fetch(bare.origin, { headers: html })
  expect(await answer.text()).toMatch(/not built yet/)
  await bare.stop()
})
