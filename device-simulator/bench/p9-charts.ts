/** P9, charts: eight that are live at ten values a second each, and where the time goes when frames come late. */
import { setTimeout as sleep } from 'node:timers/promises'
import { waitFor } from '@telltale/infra/testing/wait'
import { type FrameFigures, watchFrames } from './p9-frames.ts'
import { type FunctionShare, topFunctions } from './p9-profile.ts'
import { METRICS, openPage, type Stage, signInAs, startSending, WATCHED, type Watched } from './p9-stage.ts'

/** Tall enough for eight charts below each other. */
const VIEWPORT = { width: 1440, height: 2_600 }
const MESSAGES_PER_SECOND = 10
/** The window is full of values before anything counts. */
const WARM_UP_SECONDS = 20
const DRAWN_DEADLINE_MS = 20_000
export const WINDOW = '5m'

export interface ChartsResult {
  charts: FrameFigures
  /** An empty page in the same window, the device sending all the while: before and after. */
  empty: FrameFigures[]
  /** Where the page's time goes, from a run of its own: a profile costs frames. */
  functions: FunctionShare[]
  violations: string[]
}

export async function runCharts(
  stage: Stage,
  { seconds, scale, log }: { seconds: number; scale: number; log(line: string): void },
): Promise<ChartsResult> {
  const stop = await startSending(stage, MESSAGES_PER_SECOND)
  const watched = await openPage(stage, VIEWPORT)
  const span = () => sleep(seconds * 1_000)
  try {
    const before = await watchEmpty(watched, span)
    await signInAs(stage, watched)
    await watched.page.goto(`${stage.url}/devices/${WATCHED}?range=${WINDOW}`)
    await untilDrawn(watched)
    await sleep(WARM_UP_SECONDS * 1_000 * scale)
    const seen = await chartsInView(watched)
    const charts = await watchFrames(watched, span)
    log(`P9 charts: ${charts.late} of ${charts.frames} frames late, p99 ${charts.p99Ms.toFixed(1)} ms`)
    const functions = await topFunctions(watched.tools, span)
    const after = await watchEmpty(watched, span)
    const violations = seen < METRICS ? [`charts: ${seen} of ${METRICS} were in view`] : []
    return { charts, empty: [before, after], functions, violations }
  } finally {
    await watched.context.close()
    await stop()
  }
}

export async function watchEmpty(watched: Watched, span: () => Promise<unknown>): Promise<FrameFigures> {
  await watched.page.goto('about:blank')
  return watchFrames(watched, async () => void (await span()))
}

const CHARTS = `[...document.querySelectorAll('.chart')].filter((box) => box.querySelector('canvas, .recharts-surface'))`

/** When none comes, the count of those in view says so. */
async function untilDrawn({ page }: Watched): Promise<void> {
  await waitFor('a chart', () => page.evaluate<boolean>(`${CHARTS}.length > 0`), DRAWN_DEADLINE_MS).catch(
    () => {},
  )
}

async function chartsInView({ page }: Watched): Promise<number> {
  return page.evaluate(`${CHARTS}.filter((box) => {
    const { top, bottom } = box.getBoundingClientRect()
    return top >= 0 && bottom <= innerHeight
  }).length`)
}
