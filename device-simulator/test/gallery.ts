/** What the gallery shows: every route of the dashboard, and a fleet that has something on each. */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { waitFor } from '@telltale/infra/testing/wait'
import type { Page } from 'playwright-core'
import type { Pumps } from './pumps.ts'
import type { SignedIn } from './session.ts'

const DASHBOARD = fileURLToPath(new URL('../../dashboard/src', import.meta.url))

export interface Picture {
  name: string
  address: string
  /** On the page when it is complete. */
  shows: string | RegExp
}

/** What was made for the pictures. */
export interface Exhibits {
  batchId: string
  boardId: string
}

/** By path of the route tree. */
export function pictures({ batchId, boardId }: Exhibits): Record<string, Picture[]> {
  const one = (name: string, address: string, shows: Picture['shows']): Picture[] => [
    { name, address, shows },
  ]
  const tab = (name: string, shows: Picture['shows']): Picture => ({
    name: `device-${name}`,
    address: `/devices/pump-1?tab=${name}`,
    shows,
  })
  return {
    '/sign-in': one('sign-in', '/sign-in', 'Sign in to Telltale'),
    '/': [
      { name: 'fleet', address: '/', shows: 'cold-room-01' },
      { name: 'fleet-filtered', address: '/?q=pump', shows: 'pump-1' },
      { name: 'fleet-no-match', address: '/?q=nobody-is-called-so', shows: /Nothing matches/ },
    ],
    '/connect': one('connect', '/connect', 'Connect a device'),
    '/devices/$deviceId': [
      { name: 'device', address: '/devices/cold-room-01', shows: 'Cold room 1' },
      tab('commands', 'prime'),
      tab('presence', /connected/i),
      tab('rejected', /Not JSON/i),
      tab('raw', 'Raw'),
      tab('settings', /Delete/),
      { name: 'device-none', address: '/devices/nobody', shows: 'There is no device nobody' },
    ],
    '/system': one('system', '/system', 'Everything is working'),
    '/integrations': one('integrations', '/integrations', 'node-red'),
    '/types': one('types', '/types', 'cold-room'),
    '/types/$typeName': one('type', '/types/cold-room', 'Temperature'),
    '/batches': one('batches', '/batches', 'prime'),
    '/batches/$batchId': one('batch', `/batches/${batchId}`, / done$/),
    '/boards': one('boards', '/boards', 'Cold chain'),
    '/boards/$boardId': one('board', `/boards/${boardId}`, 'Cold chain'),
    '/boards/device/$deviceId': one('board-device', '/boards/device/cold-room-01', 'Cold room 1'),
    '/boards/tag/$tag': one('board-tag', '/boards/tag/cold', 'cold'),
    '/users': one('users', '/users', 'olga'),
    '/tokens': one('tokens', '/tokens', 'prometheus'),
    '/audit': one('audit', '/audit', 'admin'),
    '/settings': one('settings', '/settings', /Retention/i),
    '/account': one('account', '/account', /Password/i),
    $: one('nowhere', '/nowhere', 'There is no such page'),
  }
}

/** Beside the devices of the demo, something on each page. */
export async function exhibit(admin: SignedIn, pumps: Pumps): Promise<Exhibits> {
  await admin.send('POST', '/users', { username: 'olga', role: 'operator' })
  await admin.send('POST', '/users', { username: 'vera', role: 'viewer', password: VIEWER.password })
  await admin.send('POST', '/tokens', { name: 'prometheus', role: 'viewer' })
  await admin.send('POST', '/integrations', { name: 'node-red', read: true })
  await pumps.add('pump-1')
  await pumps.say('pump-1', '{"level":7,"valve":true}')
  await pumps.say('pump-1', 'not JSON')
  await admin.send('POST', '/devices/pump-1/commands', { name: 'prime', params: { seconds: 3 } })
  const batch = { filter: { ids: ['pump-1'] }, name: 'prime', params: {} }
  const { id: batchId } = await admin.send<{ id: string }>('POST', '/commands', batch)
  const place = { width: 6, height: 'medium', deviceId: 'cold-room-01', metric: 'temperature' }
  const board = { name: 'Cold chain', shared: true, panels: [{ kind: 'tile', id: 'one', ...place }] }
  const { id: boardId } = await admin.send<{ id: string }>('POST', '/boards', board)
  return { batchId, boardId }
}

export const VIEWER = { username: 'vera', password: 'cold rooms are quiet' }

/** Resolves when the page shows what it is for, and nothing of it is still on its way. */
export async function untilComplete(page: Page, { shows }: Picture): Promise<void> {
  await page.getByText(shows).filter({ visible: true }).first().waitFor()
  const isOnItsWay = `document.querySelector('.skel, .chart--loading, [aria-busy="true"]') !== null`
  await waitFor('a complete page', async () => !(await page.evaluate<boolean>(isOnItsWay)))
}

/** Of the route tree itself, so that no page is forgotten. */
const ENTRY = `
  import { routes } from './routes.tsx'
  const paths = ({ options, children }) => [
    ...(options.path === undefined ? [] : [options.path]),
    ...Object.values(children ?? {}).flatMap(paths),
  ]
  globalThis.routePaths = paths(routes)
`

interface Esbuild {
  build: (options: Record<string, unknown>) => Promise<{ outputFiles: { text: string }[] }>
}

export async function routePaths(page: Page): Promise<string[]> {
  const { build } = createRequire(import.meta.url)('esbuild') as Esbuild
  const { outputFiles } = await build({
    stdin: { contents: ENTRY, resolveDir: DASHBOARD, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    jsx: 'automatic',
    loader: { '.css': 'empty', '.woff2': 'empty' },
    define: { 'process.env.NODE_ENV': '"production"', 'import.meta.env': '{}' },
    logLevel: 'error',
  })
  await page.goto('about:blank')
  await page.addScriptTag({ content: outputFiles[0]?.text ?? '' })
  return page.evaluate('routePaths')
}
