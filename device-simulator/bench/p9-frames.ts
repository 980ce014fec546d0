/** What the frames of a page were like: noted inside the page, judged here. */
import type { CDPSession, Page } from 'playwright-core'

/** Of a frame; above, a hand that moves or a line that slides is seen to stumble. */
export const FRAME_MS_MAX = 50

/** As the page noted it. */
export interface FrameNotes {
  /** Between one frame and the next. */
  frameMs: number[]
  /** Tasks that kept the page's main thread for more than 50 ms. */
  taskMs: number[]
}

export interface FrameFigures {
  seconds: number
  frames: number
  p50Ms: number
  p99Ms: number
  maxMs: number
  /** Frames that came later than that. */
  late: number
  longTasks: number
  longestTaskMs: number
  /** Processor time of the page's main thread, of one core. */
  busyShare: number
}

/** Frames are counted by the page itself: what it does for that is a number in an array. */
const NOTE = `(() => {
  const notes = { frameMs: [], taskMs: [], isOver: false }
  globalThis.frameNotes = notes
  let lastMs
  const frame = (nowMs) => {
    if (notes.isOver) return
    if (lastMs !== undefined) notes.frameMs.push(nowMs - lastMs)
    lastMs = nowMs
    requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) notes.taskMs.push(duration)
  })
  observer.observe({ type: 'longtask' })
  notes.end = () => {
    notes.isOver = true
    observer.disconnect()
  }
})()`

const TAKE = `(() => {
  frameNotes.end()
  return { frameMs: frameNotes.frameMs, taskMs: frameNotes.taskMs }
})()`

/** Of the span that `work` takes. */
export async function watchFrames(
  { page, tools }: { page: Page; tools: CDPSession },
  work: () => Promise<void>,
): Promise<FrameFigures> {
  const before = await readMetrics(tools)
  const startMs = performance.now()
  await page.evaluate(NOTE)
  await work()
  const notes: FrameNotes = await page.evaluate(TAKE)
  const seconds = (performance.now() - startMs) / 1_000
  const after = await readMetrics(tools)
  return figuresOf(notes, { seconds, busySeconds: after.TaskDuration - before.TaskDuration })
}

export function figuresOf(
  { frameMs, taskMs }: FrameNotes,
  { seconds, busySeconds }: { seconds: number; busySeconds: number },
): FrameFigures {
  const sorted = Float64Array.from(frameMs).sort()
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN
  return {
    seconds,
    frames: frameMs.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
    late: frameMs.filter((one) => one > FRAME_MS_MAX).length,
    longTasks: taskMs.length,
    longestTaskMs: Math.max(0, ...taskMs),
    busyShare: busySeconds / seconds,
  }
}

const WANTED = ['TaskDuration', 'Nodes', 'JSEventListeners'] as const
export type PageMetrics = Record<(typeof WANTED)[number], number>

/** Seconds of processor time so far, and what the page holds. */
export async function readMetrics(tools: CDPSession): Promise<PageMetrics> {
  const { metrics } = await tools.send('Performance.getMetrics')
  const values = new Map(metrics.map(({ name, value }) => [name, value]))
  return Object.fromEntries(WANTED.map((name) => [name, values.get(name) ?? 0])) as PageMetrics
}

/** Bytes of JavaScript objects that are still needed: after two full collections, for what finalisers let go. */
export async function readHeap(tools: CDPSession): Promise<number> {
  for (let turn = 0; turn < 2; turn++) await tools.send('HeapProfiler.collectGarbage')
  return (await tools.send('Runtime.getHeapUsage')).usedSize
}
