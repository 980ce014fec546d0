import { expect, test } from 'vitest'
import { figuresOf } from '../bench/p9-frames.ts'
import { gained, type Sample } from '../bench/p9-heap.ts'
import { KINDS, kindOf, sum, type Weights } from '../bench/p9-load.ts'
import { sharesOf } from '../bench/p9-profile.ts'
import { COUNTER, METRICS, payloadOf } from '../bench/p9-stage.ts'
import { reportDashboard } from '../bench/report-dashboard.ts'

const times = { lcpMs: 400, liveMs: 900 }
const weight = { requests: 1, sentBytes: 40_000, gzipBytes: 39_000 }
const weights = Object.fromEntries(KINDS.map((kind) => [kind, weight])) as Weights
const load = {
  weights,
  signInLcpMs: 300,
  fleet: times,
  fleetSlow: { ...times, lcpMs: 1_600 },
  fleetAgain: times,
}

function frames(frameMs: number[]) {
  return figuresOf({ frameMs, taskMs: frameMs.filter((one) => one > 50) }, { seconds: 2, busySeconds: 1 })
}

function samples(heapBytes: number[]): Sample[] {
  return heapBytes.map((bytes) => ({ heapBytes: bytes, nodes: 500, listeners: 300 }))
}

test('a frame is late above 50 ms, not at 50', () => {
  expect(frames([16, 50, 50.1, 17])).toMatchObject({
    ...{ frames: 4, late: 1, longTasks: 1, longestTaskMs: 50.1, maxMs: 50.1, busyShare: 0.5 },
  })
  expect(frames([])).toMatchObject({ frames: 0, late: 0, longestTaskMs: 0 })
})

test('what a heap gains is seen through its ups and downs', () => {
  expect(gained([10, 11, 12, 13])).toBeCloseTo(3)
  expect(gained([10, 12, 10, 12, 10])).toBeCloseTo(0)
  expect(gained([10])).toBe(0)
})

test('what came over the line is told apart by kind', () => {
  const paths = [
    '/',
    '/sign-in',
    '/assets/a-b.js',
    '/a.css',
    '/x.woff2',
    '/api/v1/devices?q=a.js',
    '/mark.svg',
  ]
  expect(paths.map((path) => kindOf(`http://127.0.0.1:1${path}`))).toEqual([
    ...['html', 'html', 'js', 'css', 'font', 'api', 'other'],
  ])
  expect(sum(weights)).toEqual({ requests: 6, sentBytes: 240_000, gzipBytes: 234_000 })
})

test('a message has eight metrics, and a counter that a page can be read by', () => {
  const first = JSON.parse(payloadOf(0, 0))
  expect(Object.keys(first)).toHaveLength(METRICS)
  expect([first[COUNTER], JSON.parse(payloadOf(1, 0.1))[COUNTER]]).toEqual([7_000_000, 7_000_001])
})

test('a profile is shared by function, and nobody works while idle', () => {
  const frame = (functionName: string, url = 'http://a/assets/x.js') => ({
    callFrame: { functionName, url, lineNumber: 0, columnNumber: 4 },
  })
  const nodes = [
    { id: 1, hitCount: 90, ...frame('(idle)', '') },
    { id: 2, hitCount: 3, ...frame('draw') },
    { id: 3, hitCount: 1, ...frame('(program)', '') },
  ]
  expect(sharesOf(nodes)).toEqual([
    { name: 'draw x.js:1:5', share: 0.75 },
    { name: '(program)', share: 0.25 },
  ])
})

test('every target of P9 is held against what was measured, and a miss says where the time went', () => {
  const functions = [{ name: 'draw x.js:1:5', share: 0.75 }]
  const calm = frames([16, 17])
  const scrolled = { frames: calm, share: 1 }
  const { verdicts, text } = reportDashboard({
    load,
    loadOfMany: load,
    charts: { charts: frames([16, 60]), empty: [calm, calm], functions, violations: [] },
    fleet: {
      ...{ devices: 10_000, connected: 10_000, still: calm, reading: scrolled, fast: scrolled, empty: calm },
      ...{ functions: [], heap: { before: 1, after: 1 }, nodes: { before: 1, after: 1 }, violations: [] },
    },
    heap: { feed: samples([100, 101]), messages: 7_200, feedSeconds: 300, changes: samples([1, 100, 200]) },
    violations: [],
  })
  expect(verdicts.map(({ isMet }) => isMet)).toEqual([true, true, false, false, true, true, true, false])
  expect(text).toContain('`draw x.js:1:5`')
  expect(text).toContain('57,600 values')
})
