/**
 * P9, heap: two hours of watching in some minutes, because what a page keeps it keeps for each event; and two hundred
 * times another page or tab, because what a page leaves behind it leaves each time.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { WINDOW } from './p9-charts.ts'
import { readHeap, readMetrics } from './p9-frames.ts'
import { METRICS, openPage, type Stage, signInAs, startSending, WATCHED, type Watched } from './p9-stage.ts'

const VIEWPORT = { width: 1440, height: 900 }
/** What most devices send is one message a second. */
const USUAL_PER_SECOND = 1
export const FEED_PER_SECOND = 24
const WATCHED_SECONDS = 7_200
/** Until the window holds nothing from before the feed. */
const FILL_SECONDS = 330
const SAMPLES = 10
const CHANGES = 200
const SETTLE_MS = 150
/** Whatever a session opens; each lap begins where it has ended. */
const PATHS = [
  '/',
  `/devices/${WATCHED}`,
  `/devices/${WATCHED}?tab=commands`,
  `/devices/${WATCHED}?tab=presence`,
  `/devices/${WATCHED}?tab=rejected`,
  `/devices/${WATCHED}?tab=settings`,
  '/types',
  '/integrations',
  '/batches',
  '/system',
]

export interface Sample {
  heapBytes: number
  nodes: number
  listeners: number
}

export interface HeapResult {
  /** At equal distances. */
  feed: Sample[]
  messages: number
  feedSeconds: number
  /** After each lap of ten changes. */
  changes: Sample[]
}

export async function runHeap(
  stage: Stage,
  { scale, log }: { scale: number; log(line: string): void },
): Promise<HeapResult> {
  const feedSeconds = (WATCHED_SECONDS / FEED_PER_SECOND) * USUAL_PER_SECOND * scale
  const stop = await startSending(stage, FEED_PER_SECOND)
  const watched = await openPage(stage, VIEWPORT)
  try {
    await signInAs(stage, watched)
    await watched.page.goto(`${stage.url}/devices/${WATCHED}?range=${WINDOW}`)
    await sleep(FILL_SECONDS * 1_000 * scale)
    const feed = [await take(watched)]
    while (feed.length < SAMPLES) {
      await sleep((feedSeconds * 1_000) / (SAMPLES - 1))
      feed.push(await take(watched))
      log(`P9 heap: ${(feed.at(-1)?.heapBytes ?? 0) / 1e6} MB`)
    }
    const changes = await changeAbout(watched, { laps: Math.ceil((CHANGES * scale) / PATHS.length) + 1, log })
    return { feed, messages: feedSeconds * FEED_PER_SECOND, feedSeconds, changes }
  } finally {
    await watched.context.close()
    await stop()
  }
}

/** The first lap loads what all others find there. */
async function changeAbout(
  watched: Watched,
  { laps, log }: { laps: number; log(line: string): void },
): Promise<Sample[]> {
  const samples: Sample[] = []
  for (let lap = 0; lap < laps; lap++) {
    for (const path of PATHS) {
      // The router listens to this, as to a click on a link.
      await watched.page.evaluate(`history.pushState({}, '', '${path}')`)
      await watched.page.waitForLoadState('load')
      await sleep(SETTLE_MS)
    }
    samples.push(await take(watched))
    log(`P9 changes, lap ${lap + 1}: ${JSON.stringify(samples.at(-1))}`)
  }
  return samples
}

async function take({ tools }: Watched): Promise<Sample> {
  const heapBytes = await readHeap(tools)
  const { Nodes: nodes, JSEventListeners: listeners } = await readMetrics(tools)
  return { heapBytes, nodes, listeners }
}

/** What a line through them all gains from the first to the last, by least squares. */
export function gained(values: readonly number[]): number {
  const middle = (values.length - 1) / 2
  const mean = values.reduce((total, value) => total + value, 0) / values.length
  let upper = 0
  let lower = 0
  for (const [at, value] of values.entries()) {
    upper += (at - middle) * (value - mean)
    lower += (at - middle) ** 2
  }
  return lower === 0 ? 0 : (upper / lower) * (values.length - 1)
}

/** Values that the page was given meanwhile. */
export function valuesOf({ messages }: HeapResult): number {
  return messages * METRICS
}
