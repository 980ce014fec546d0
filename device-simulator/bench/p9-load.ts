/**
 * P9, first load: a profile that has never seen the dashboard signs in and sees a value change; what came over the
 * line for it, and when the page had drawn its largest part.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { waitFor } from '@telltale/infra/testing/wait'
import { median } from './p1-ingest.ts'
import { fillSignIn, openPage, type Stage, startSending, type Watched } from './p9-stage.ts'

export const KINDS = ['html', 'js', 'css', 'font', 'api', 'other'] as const
export type Kind = (typeof KINDS)[number]

export interface Weight {
  requests: number
  /** As it came over the line, headers included. */
  sentBytes: number
  /** What gzip at its best makes of each body. */
  gzipBytes: number
}

export type Weights = Record<Kind, Weight>

export interface Times {
  /** Largest contentful paint. */
  lcpMs: number
  /** Until a value that came live has taken the place of an older one. */
  liveMs: number
}

export interface LoadResult {
  weights: Weights
  signInLcpMs: number
  /** Signed in, nothing cached: on loopback, and on a line as `SLOW_LINE` says. */
  fleet: Times
  fleetSlow: Times
  /** What the browser has kept of the time before. */
  fleetAgain: Times
}

const VIEWPORT = { width: 1440, height: 900 }
const MESSAGES_PER_SECOND = 10
const LIVE_DEADLINE_MS = 20_000
/** A good mobile line; loopback has neither a width nor a way. */
export const SLOW_LINE = { megabitsPerSecond: 10, latencyMs: 40 }

/** In every document, before anything of its own runs. The number is the counter of the device that sends. */
const LOOK = `(() => {
  const seen = { lcpMs: 0, liveMs: undefined }
  globalThis.loadSeen = seen
  const observer = new PerformanceObserver((list) => {
    for (const { startTime } of list.getEntries()) seen.lcpMs = startTime
  })
  observer.observe({ type: 'largest-contentful-paint', buffered: true })
  let first
  const look = () => {
    const [value] = /7,?0\\d\\d,?\\d{3}/.exec(document.querySelector('main')?.textContent ?? '') ?? []
    first ??= value
    if (value !== undefined && value !== first) seen.liveMs = performance.now()
    else requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
})()`

export async function runLoad(
  stage: Stage,
  { rounds, log }: { rounds: number; log(line: string): void },
): Promise<LoadResult> {
  const stop = await startSending(stage, MESSAGES_PER_SECOND)
  const loads: LoadResult[] = []
  try {
    for (let round = 0; round < rounds; round++) loads.push(await loadOnce(stage))
  } finally {
    await stop()
  }
  const [first] = loads as [LoadResult]
  const timesOf = (which: 'fleet' | 'fleetSlow' | 'fleetAgain'): Times => ({
    lcpMs: median(loads.map((load) => load[which].lcpMs)) ?? Number.NaN,
    liveMs: median(loads.map((load) => load[which].liveMs)) ?? Number.NaN,
  })
  const result: LoadResult = {
    weights: first.weights,
    signInLcpMs: median(loads.map(({ signInLcpMs }) => signInLcpMs)) ?? Number.NaN,
    fleet: timesOf('fleet'),
    fleetSlow: timesOf('fleetSlow'),
    fleetAgain: timesOf('fleetAgain'),
  }
  const sizes = KINDS.map((kind) => `${kind} ${result.weights[kind].sentBytes}`)
  log(`P9 load: bytes sent ${sizes.join(', ')}; largest paint after ${result.fleet.lcpMs.toFixed(0)} ms`)
  return result
}

async function loadOnce(stage: Stage): Promise<LoadResult> {
  const watched = await openPage(stage, VIEWPORT)
  const { context, page, tools } = watched
  try {
    const counting = countBytes(watched)
    await page.addInitScript(LOOK)
    await page.goto(stage.url)
    await page.getByRole('heading', { name: 'Sign in to Telltale' }).waitFor()
    await page.waitForLoadState('networkidle')
    const { lcpMs: signInLcpMs } = (await page.evaluate('loadSeen')) as Times
    await fillSignIn(page, stage.password)
    await untilLive(watched)
    const weights = await counting.end()
    const fleet = await reload(watched, { isCacheEmpty: true })
    await tools.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: SLOW_LINE.latencyMs,
      downloadThroughput: (SLOW_LINE.megabitsPerSecond * 1e6) / 8,
      uploadThroughput: (SLOW_LINE.megabitsPerSecond * 1e6) / 8,
    })
    const fleetSlow = await reload(watched, { isCacheEmpty: true })
    const open = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 }
    await tools.send('Network.emulateNetworkConditions', open)
    return { weights, signInLcpMs, fleet, fleetSlow, fleetAgain: await reload(watched, {}) }
  } finally {
    await context.close()
  }
}

async function reload(
  watched: Watched,
  { isCacheEmpty = false }: { isCacheEmpty?: boolean },
): Promise<Times> {
  const { page, tools } = watched
  // A service worker would answer from what it keeps.
  await tools.send('Network.setBypassServiceWorker', { bypass: isCacheEmpty })
  if (isCacheEmpty) await tools.send('Network.clearBrowserCache')
  await page.reload()
  return untilLive(watched)
}

async function untilLive({ page }: Watched): Promise<Times> {
  const isLive = async () => (await page.evaluate('loadSeen.liveMs')) !== undefined
  await waitFor('a live value on the page', isLive, LIVE_DEADLINE_MS)
  // The browser tells of a paint a moment after it.
  await sleep(200)
  return (await page.evaluate('({ lcpMs: loadSeen.lcpMs, liveMs: loadSeen.liveMs })')) as Times
}

interface Seen {
  kind: Kind
  sentBytes: number
  isOver: boolean
}

/** Everything the page asks for from now on. A stream has no end: of it counts what has come. */
function countBytes({ tools }: Watched): { end(): Promise<Weights> } {
  const seen = new Map<string, Seen>()
  tools.on('Network.responseReceived', ({ requestId, response }) => {
    // What stands inside a stylesheet came with it.
    if (response.url.startsWith('data:')) return
    const headers = response.encodedDataLength
    seen.set(requestId, { kind: kindOf(response.url), sentBytes: headers, isOver: false })
  })
  tools.on('Network.dataReceived', ({ requestId, encodedDataLength }) => {
    const one = seen.get(requestId)
    if (one && !one.isOver) one.sentBytes += encodedDataLength
  })
  tools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const one = seen.get(requestId)
    if (one) Object.assign(one, { sentBytes: encodedDataLength, isOver: true })
  })
  return {
    end: async () => {
      const weights = emptyWeights()
      for (const [requestId, { kind, sentBytes, isOver }] of seen) {
        const weight = weights[kind]
        weight.requests++
        weight.sentBytes += sentBytes
        weight.gzipBytes += isOver ? await gzippedBytes(requestId) : sentBytes
      }
      return weights
    },
  }
  /** What is compressed in itself, such as a font, stays as it is. */
  async function gzippedBytes(requestId: string): Promise<number> {
    const answer = await tools.send('Network.getResponseBody', { requestId }).catch(() => undefined)
    if (answer === undefined) return 0
    const body = Buffer.from(answer.body, answer.base64Encoded ? 'base64' : 'utf8')
    return Math.min(body.length, gzipSync(body, { level: 9 }).length)
  }
}

export function kindOf(url: string): Kind {
  const { pathname } = new URL(url)
  if (pathname.startsWith('/api/')) return 'api'
  const [, ending = ''] = /\.(\w+)$/.exec(pathname) ?? []
  if (ending === '' || ending === 'html') return 'html'
  if (ending === 'js' || ending === 'css') return ending
  return ending === 'woff2' ? 'font' : 'other'
}

function emptyWeights(): Weights {
  const entries = KINDS.map((kind) => [kind, { requests: 0, sentBytes: 0, gzipBytes: 0 }])
  return Object.fromEntries(entries) as Weights
}

export function sum(weights: Weights): Weight {
  return KINDS.reduce(
    (total, kind) => ({
      requests: total.requests + weights[kind].requests,
      sentBytes: total.sentBytes + weights[kind].sentBytes,
      gzipBytes: total.gzipBytes + weights[kind].gzipBytes,
    }),
    { requests: 0, sentBytes: 0, gzipBytes: 0 },
  )
}
