/** The results of P9 as a section of the page. */
import { listViolations, table, thousands } from './markdown.ts'
import { WINDOW } from './p9-charts.ts'
import type { DashboardResult } from './p9-dashboard.ts'
import { FRAME_MS_MAX, type FrameFigures } from './p9-frames.ts'
import { FEED_PER_SECOND, gained, type HeapResult, type Sample, valuesOf } from './p9-heap.ts'
import { KINDS, type LoadResult, SLOW_LINE, sum, type Times } from './p9-load.ts'
import type { FunctionShare } from './p9-profile.ts'
import type { Section, Verdict } from './results.ts'

const FIRST_LOAD_TARGET_KB = 300
const SECONDS_PER_HOUR = 3_600
const LCP_TARGET_S = 1.5
/** A heap is never quite the same twice; a page that kept each event would grow by far more. */
const GROWTH_TARGET = 0.05

export function reportDashboard(result: DashboardResult): Pick<Section, 'verdicts' | 'text'> {
  const { violations } = result
  return {
    verdicts: verdictsOf(result),
    text: [
      'Chromium without a graphics card on the machine that also runs the product and plays the devices.',
      '### First load',
      loadText(result),
      '### Frames',
      framesText(result),
      '### Heap',
      heapText(result),
      ...(violations.length > 0 ? [listViolations(violations)] : []),
    ].join('\n\n'),
  }
}

function verdictsOf({ load, charts, fleet, heap }: DashboardResult): Verdict[] {
  const { sentBytes, gzipBytes } = sum(load.weights)
  const size = (bytes: number): readonly [number, number] => [bytes / 1_000, FIRST_LOAD_TARGET_KB]
  const lcpS = Math.max(load.signInLcpMs, load.fleet.lcpMs, load.fleetSlow.lcpMs) / 1_000
  const heapOf = (samples: readonly Sample[]) => growth(samples.map(({ heapBytes }) => heapBytes))
  return [
    atMost('first load, as sent', size(sentBytes), (value) => `${value.toFixed(0)} KB`),
    atMost('first load, each body by gzip -9', size(gzipBytes), (value) => `${value.toFixed(0)} KB`),
    atMost('largest contentful paint, the slowest', [lcpS, LCP_TARGET_S], (value) => `${value.toFixed(2)} s`),
    noLateFrame('eight live charts at 10 Hz', charts.charts),
    noLateFrame(`${thousands(fleet.devices)} devices, scrolled as one reads`, fleet.reading.frames),
    noLateFrame(`${thousands(fleet.devices)} devices, scrolled to the end`, fleet.fast.frames),
    atMost('heap gained by two hours of events', [heapOf(heap.feed), GROWTH_TARGET], percent),
    atMost('heap gained by 200 changes of page', [heapOf(heap.changes.slice(1)), GROWTH_TARGET], percent),
  ]
}

function atMost(
  what: string,
  [measured, target]: readonly [number, number],
  say: (value: number) => string,
): Verdict {
  return { what, target: `≤ ${say(target)}`, measured: say(measured), isMet: measured <= target }
}

function noLateFrame(what: string, { late, frames, maxMs }: FrameFigures): Verdict {
  return {
    what: `${what}: frames over ${FRAME_MS_MAX} ms`,
    target: '0',
    measured: `${late} of ${thousands(frames)}, longest ${maxMs.toFixed(0)} ms`,
    isMet: late === 0,
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

/** As a share of what there was. */
function growth(values: readonly number[]): number {
  return gained(values) / (values[0] ?? Number.NaN)
}

function loadText({ load, loadOfMany, fleet }: DashboardResult): string {
  const sizes = KINDS.filter((kind) => load.weights[kind].requests > 0)
  const kilobytes = (bytes: number) => `${(bytes / 1_000).toFixed(1)} KB`
  const row = (name: string, { requests, sentBytes, gzipBytes }: LoadResult['weights']['js']) => [
    name,
    String(requests),
    kilobytes(sentBytes),
    kilobytes(gzipBytes),
  ]
  const times = (name: string, { lcpMs, liveMs }: Times) => [
    name,
    `${(lcpMs / 1_000).toFixed(2)} s`,
    `${(liveMs / 1_000).toFixed(2)} s`,
  ]
  const many = `${thousands(fleet.devices)} devices`
  return [
    `A profile that has never seen the dashboard opens it, signs in, and waits until a value on the fleet's page has
been replaced by a newer one. Sent: bytes on the line, headers included. gzip -9: each body alone.`,
    table(
      ['', 'requests', 'sent', 'gzip -9'],
      [
        ...sizes.map((kind) => row(kind, load.weights[kind])),
        row('**all**', sum(load.weights)),
        row(`all, with ${many}`, sum(loadOfMany.weights)),
      ],
    ),
    `Times from the navigation on; the median of the rounds. The slow line is ${SLOW_LINE.megabitsPerSecond} Mbit/s with
${SLOW_LINE.latencyMs} ms to the server, emulated by the browser. The sign-in page's largest paint:
${(load.signInLcpMs / 1_000).toFixed(2)} s.`,
    table(
      ['signed in, the fleet', 'largest paint', 'a live value replaced'],
      [
        times('nothing cached', load.fleet),
        times('nothing cached, slow line', load.fleetSlow),
        times('cached', load.fleetAgain),
        times(`nothing cached, ${many}`, loadOfMany.fleet),
      ],
    ),
  ].join('\n\n')
}

function framesText({ charts, fleet }: DashboardResult): string {
  const scrolled = (share: number) => `down to ${percent(share)}`
  return [
    `From one frame to the next, as the page itself is told. The empty page is in the same window of the same browser,
with the same devices sending: what is late there, the machine was late with. A task is long from 50 ms on. Busy
is the main thread's processor time, of one core. The charts show eight metrics of one device, each ten times a second,
over ${WINDOW}. The fleet has ${thousands(fleet.connected)} devices connected, 500 messages a second together.`,
    table(
      ['', 'frames', 'p50', 'p99', 'longest', `over ${FRAME_MS_MAX} ms`, 'long tasks', 'longest', 'busy'],
      [
        ...charts.empty.map((figures, i) => frameRow(`empty page, ${i === 0 ? 'before' : 'after'}`, figures)),
        frameRow('eight charts', charts.charts),
        frameRow('empty page, beside the fleet', fleet.empty),
        frameRow('fleet, nobody touches it', fleet.still),
        frameRow(`fleet, as one reads, ${scrolled(fleet.reading.share)}`, fleet.reading.frames),
        frameRow(`fleet, fast, ${scrolled(fleet.fast.share)}`, fleet.fast.frames),
      ],
    ),
    ...profileText('the charts', charts.charts, charts.functions),
    ...profileText('the fleet', fleet.fast.frames, fleet.functions),
    `The fleet's heap: ${megabytes(fleet.heap.before)} before scrolling, ${megabytes(fleet.heap.after)} after it,
back at the top; ${thousands(fleet.nodes.before)} and ${thousands(fleet.nodes.after)} nodes.`,
  ].join('\n\n')
}

function frameRow(name: string, figures: FrameFigures): string[] {
  const { frames, p50Ms, p99Ms, maxMs, late, longTasks, longestTaskMs, busyShare } = figures
  const ms = (value: number) => `${value.toFixed(1)} ms`
  const task = longTasks === 0 ? '–' : ms(longestTaskMs)
  const cells = [thousands(frames), ms(p50Ms), ms(p99Ms), ms(maxMs), String(late), String(longTasks), task]
  return [name, ...cells, percent(busyShare)]
}

/** Only where something is to be found. */
function profileText(what: string, { late }: FrameFigures, functions: readonly FunctionShare[]): string[] {
  if (late === 0) return []
  const rows = functions.map(({ name, share }) => [`\`${name}\``, percent(share)])
  return [`Where the time of ${what} goes, each function without what it calls:`, table(['', 'share'], rows)]
}

function heapText({ heap }: DashboardResult): string {
  return [
    `The device's page, ${FEED_PER_SECOND} messages of eight values a second for ${heap.feedSeconds.toFixed(0)} s:
${thousands(valuesOf(heap))} values, as many as one message a second brings in
${(heap.messages / SECONDS_PER_HOUR).toFixed(1)} hours. Before it the window was filled. Each figure after full
collections. Then other pages and tabs, ten a lap; the first lap loads what the others find there and does not count.`,
    table(
      ['', 'first', 'last', 'gained, by a line through all'],
      [...sampleRows('events', heap.feed), ...sampleRows('changes', heap.changes.slice(1))],
    ),
    `Heap along the way, in MB: ${along(heap)}.`,
  ].join('\n\n')
}

function sampleRows(name: string, samples: readonly Sample[]): string[][] {
  const row = (what: string, values: number[], say: (value: number) => string) => [
    `${name}: ${what}`,
    say(values[0] ?? Number.NaN),
    say(values.at(-1) ?? Number.NaN),
    `${say(gained(values))} (${percent(growth(values))})`,
  ]
  return [
    row(
      'heap',
      samples.map(({ heapBytes }) => heapBytes),
      megabytes,
    ),
    row(
      'nodes',
      samples.map(({ nodes }) => nodes),
      thousands,
    ),
    row(
      'listeners',
      samples.map(({ listeners }) => listeners),
      thousands,
    ),
  ]
}

function along({ feed, changes }: HeapResult): string {
  const figures = (samples: readonly Sample[]) =>
    samples.map(({ heapBytes }) => (heapBytes / 1e6).toFixed(1)).join(' ')
  return `${figures(feed)}; changes ${figures(changes)}`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
