/** The dashboard's own live part in a real browser, without its screens. */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import type { Following, Known } from './followers.ts'

const DASHBOARD = fileURLToPath(new URL('../../dashboard/src', import.meta.url))
/** Instead of what the page asks for. */
const RAW = 'bucket=raw&maxPoints=10000'

/**
 * The parts that the dashboard's `app.tsx` makes and the hooks that keep its cache and its chart in step, as they are.
 * One thing is different: the history is asked for as single readings, because buckets cannot be compared.
 */
const ENTRY = `
  import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
  import { createElement } from 'react'
  import { createRoot } from 'react-dom/client'
  import { isUnauthorized } from './api.ts'
  import { LiveClient } from './live/client.ts'
  import { keepAsking, queryDefaults } from './live/refresh.ts'
  import { browserServer } from './live/server.ts'
  import { browserSurroundings } from './live/surroundings.ts'
  import { currentSession } from './session/session.ts'
  import { useLiveSync } from './shell/live-sync.ts'
  import { useTelemetry } from './telemetry/use-telemetry.ts'
  import { LiveContext } from './use-live.ts'

  const plainFetch = globalThis.fetch
  globalThis.fetch = (url, init) => plainFetch(String(url).replace(/bucket=auto&maxPoints=[0-9]+/, '${RAW}'), init)

  const range = { kind: 'live', windowMs: 900_000 }

  globalThis.follow = (deviceId) => {
    const seen = { picture: null, newestMs: 0, counts: {}, retries: [] }
    globalThis.seen = seen
    const onError = (error) => {
      if (!isUnauthorized(error)) return
      seen.counts.signedOut = 1
      live.stop()
    }
    const queryClient = new QueryClient({
      queryCache: new QueryCache({ onError }),
      defaultOptions: { queries: queryDefaults },
    })
    const live = new LiveClient({
      server: browserServer(),
      surroundings: browserSurroundings(),
      onDoubt: () => void queryClient.fetchQuery({ ...currentSession, staleTime: 0 }).catch(() => undefined),
    })
    live.subscribe(({ type, data }) => {
      seen.counts[type] = (seen.counts[type] ?? 0) + 1
      if (type === 'reading') seen.newestMs = Math.max(seen.newestMs, data.time)
    })
    live.subscribeState(() => {
      const { retryAt } = live.getState()
      if (retryAt !== null && retryAt !== seen.retries.at(-1)) seen.retries.push(retryAt)
    })
    keepAsking(live, queryClient)
    const Chart = () => {
      useLiveSync()
      seen.picture = useTelemetry({ deviceId, range }).picture
      return null
    }
    globalThis.watch = (id) => void live.watch([id])
    watch(deviceId)
    live.start('admin')
    const chart = createElement(LiveContext, { value: live }, createElement(Chart))
    createRoot(document.body).render(createElement(QueryClientProvider, { client: queryClient }, chart))
  }
`

interface Seen {
  picture: {
    /** Null: single readings. */
    bucketMs: number | null
    series: Record<string, { points: { t: number; avg?: number; state?: string }[] }>
  } | null
  newestMs: number
  counts: Record<string, number>
  /** When it meant to try again, each time that it waited. */
  retries: number[]
}

const HISTORY = /\/readings\?/

export class LivePage {
  readonly #page: Page

  private constructor(page: Page) {
    this.#page = page
  }

  /** As tabs of one browser, which share one connection. Closing one of them leaves the others. */
  static async openTabs(
    browser: Browser,
    { origin, headers, deviceId }: Following,
    count: number,
  ): Promise<LivePage[]> {
    const context = await browser.newContext()
    const [name = '', value = ''] = (headers.cookie ?? '').split('=')
    await context.addCookies([{ name, value, url: origin }])
    const address = `${origin}/live-page`
    const body = `<!doctype html><title>live</title><script>${await bundle()}</script>`
    const tabs: LivePage[] = []
    while (tabs.length < count) {
      const page = await context.newPage()
      await page.route(address, (route) => route.fulfill({ contentType: 'text/html', body }))
      await page.goto(address)
      await page.unroute(address)
      await page.evaluate(`follow('${deviceId}')`)
      tabs.push(new LivePage(page))
    }
    return tabs
  }

  /** One device more, as when a page shows more rows. */
  async watch(deviceId: string): Promise<void> {
    await this.#page.evaluate(`watch('${deviceId}')`)
  }

  /** Of the newest reading that came live. */
  async newestMs(): Promise<number> {
    return (await this.#seen()).newestMs
  }

  /** Every point of the chart's series. */
  async known(): Promise<Known> {
    const states: Record<string, number> = { true: 1, false: 0 }
    return new Map((await this.#points()).map(([key, value]) => [key, states[value] ?? value]))
  }

  /** Identities the chart holds more than once. */
  async doubled(): Promise<string[]> {
    const keys = (await this.#points()).map(([key]) => key)
    return keys.filter((key, i) => keys.indexOf(key) !== i)
  }

  /** How often it has waited before another attempt. */
  async waits(): Promise<number> {
    return (await this.#seen()).retries.length
  }

  /** The next `times` that it asks for its history it is told to come later. */
  async refuseHistories(times: number): Promise<{ left: () => number }> {
    let left = times
    await this.#page.route(
      HISTORY,
      async (route) => {
        await route.fulfill({ status: 503, body: '' }).catch(() => {})
        left--
      },
      { times },
    )
    return { left: () => left }
  }

  async story(): Promise<string> {
    const { counts } = await this.#seen()
    return `${counts.hello ?? 0} hello, ${counts.resync ?? 0} resync`
  }

  async close(): Promise<void> {
    await this.#page.close()
  }

  async #points(): Promise<[key: string, value: number | string][]> {
    const { picture } = await this.#seen()
    if (picture === null) return []
    if (picture.bucketMs !== null) throw new Error('the page asked for buckets: they cannot be compared')
    return Object.entries(picture.series).flatMap(([metric, { points }]) =>
      points.map(({ t, avg, state }): [string, number | string] => [`${metric} ${t}`, avg ?? state ?? '']),
    )
  }

  #seen(): Promise<Seen> {
    return this.#page.evaluate('seen')
  }
}

interface Esbuild {
  build: (options: Record<string, unknown>) => Promise<{ outputFiles: { text: string }[] }>
}

let bundled: Promise<string> | undefined

/** From the dashboard's source: no screen of it offers what is compared here. */
function bundle(): Promise<string> {
  const { build } = createRequire(import.meta.url)('esbuild') as Esbuild
  bundled ??= build({
    stdin: { contents: ENTRY, resolveDir: DASHBOARD, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    loader: { '.css': 'empty' },
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'warning',
  }).then(({ outputFiles }) => (outputFiles[0]?.text ?? '').replaceAll('</script', '<\\/script'))
  return bundled
}
