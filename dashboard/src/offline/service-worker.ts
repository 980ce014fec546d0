// Opens the dashboard without a network. Keeps what is the same for everybody, the shell and its hashed files, and
// never an answer of the API. Bundled by infra/scripts/build-dashboard.mjs, which writes in what belongs to this build.
import { lostAssets, type Route, routeOf } from './worker-rules.ts'

declare const SHELL: { build: string; files: readonly string[]; assets: readonly string[] }

/** The types of a worker and those of a page cannot be used in one project; these few are all that is used. */
type Waiting = { waitUntil: (work: Promise<unknown>) => void }
type Fetching = { request: Request; respondWith: (answer: Promise<Response>) => void }
type WorkerScope = {
  location: Location
  clients: { claim: () => Promise<void> }
  skipWaiting: () => Promise<void>
  addEventListener(type: 'install' | 'activate', listen: (event: Waiting) => void): void
  addEventListener(type: 'fetch', listen: (event: Fetching) => void): void
}

/** A network that neither answers nor fails is none: then the shell says what is the matter. */
const pageMaxMs = 6_000
const shellCache = `telltale-shell-${SHELL.build}`
const assetCache = 'telltale-assets'
const worker = globalThis as unknown as WorkerScope

worker.addEventListener('install', (event) => event.waitUntil(keepShell().then(() => worker.skipWaiting())))
worker.addEventListener('activate', (event) =>
  event.waitUntil(forgetOthers().then(() => worker.clients.claim())),
)
worker.addEventListener('fetch', (event) => {
  const { request } = event
  const route = routeOf(request, worker.location.origin, SHELL.files)
  if (route !== null) event.respondWith(answer(route, request))
})

/** All of one build, or nothing: a page of another build would ask for files that are not here. */
async function keepShell(): Promise<void> {
  const cache = await caches.open(shellCache)
  await cache.addAll(
    SHELL.files.map(
      (file) => new Request(file, { cache: file.startsWith('/assets/') ? 'default' : 'no-cache' }),
    ),
  )
  const page = await (await cache.match('/'))?.text()
  const isOurs = SHELL.files.every((file) => !/\/index-.*\.(js|css)$/.test(file) || page?.includes(file))
  if (isOurs) return
  await caches.delete(shellCache)
  throw new Error('The page is of another build. The worker that belongs to it comes with the next visit.')
}

async function forgetOthers(): Promise<void> {
  for (const name of await caches.keys())
    if (name.startsWith('telltale-') && name !== shellCache && name !== assetCache) await caches.delete(name)
  const cache = await caches.open(assetCache)
  const kept = (await cache.keys()).map(({ url }) => new URL(url).pathname)
  for (const path of lostAssets(kept, SHELL.assets)) await cache.delete(path)
}

function answer(route: Route, request: Request): Promise<Response> {
  switch (route) {
    case 'page':
      return fromNetwork(request, '/')
    case 'loose':
      return fromNetwork(request, new URL(request.url).pathname)
    case 'asset':
      return asset(request)
  }
}

/** The newest there is, so a shell that is kept never hides a newer one. */
async function fromNetwork(request: Request, kept: string): Promise<Response> {
  const shell = async () => (await caches.open(shellCache)).match(kept)
  try {
    const response = await Promise.race([fetch(request), late()])
    // A proxy in front of a stopped product answers so.
    if (response.status < 500) return response
    return (await shell()) ?? response
  } catch (error) {
    const response = await shell()
    if (response === undefined) throw error
    return response
  }
}

function late(): Promise<never> {
  return new Promise((_, reject) => setTimeout(reject, pageMaxMs, new Error('no answer')))
}

/** A name holds a hash of the content: what is kept is right for ever. */
async function asset(request: Request): Promise<Response> {
  const kept = await caches.match(request)
  if (kept !== undefined) return kept
  const response = await fetch(request)
  if (response.status !== 200) return response
  const cache = await caches.open(assetCache)
  await cache.put(request, response.clone()).catch(() => undefined)
  return response
}
