import { expect, it } from 'vitest'
import { bandTones, segments, segmentsOf } from './bands.ts'
import type { Picture, Series } from './series.ts'

it('segments join equal neighbours, stop at a gap, and stay inside the window', () => {
  const points = [
    { t: 0, state: 'closed' },
    { t: 10, state: 'closed' },
    { t: 20, state: 'open' },
    { t: 90, state: 'closed' },
  ]
  expect(segments(points, { from: 5, to: 100, gaps: [{ from: 30, to: 90 }] })).toEqual([
    { from: 5, to: 20, state: 'closed' },
    { from: 20, to: 30, state: 'open' },
    { from: 90, to: 100, state: 'closed' },
  ])
})

it('segments go on behind a gap that a state held through', () => {
  const points = [
    { t: 0, state: 'true' },
    { t: 80, state: 'false' },
  ]
  const gaps = [
    { from: 10, to: 20 },
    { from: 40, to: 60 },
  ]
  expect(segments(points, { from: 0, to: 100, gaps })).toEqual([
    { from: 0, to: 10, state: 'true' },
    { from: 20, to: 40, state: 'true' },
    { from: 60, to: 80, state: 'true' },
    { from: 80, to: 100, state: 'false' },
  ])
})

const numbers = (...times: number[]) => times.map((t) => ({ t, avg: 1, min: 1, max: 1, count: 1 }))
const known = { from: 0, to: 60_000, offlineSince: null }

function pictureOf(level: Series, to = 360_000): Picture {
  return { bucketMs: null, from: 0, to, historyTo: to, series: { level }, arrived: 0 }
}

it('L-LANE-1: a word of a metric that says numbers too is over with its next number', () => {
  const words = {
    kind: 'state' as const,
    points: [
      { t: 20_000, state: 'sensor error' },
      { t: 25_000, state: 'sensor error' },
      { t: 40_000, state: '' },
    ],
    ...{ changesOnly: false, gaps: [] },
  }
  const points = numbers(5_000, 10_000, 15_000, 30_000, 35_000, 45_000, 50_000, 55_000)
  const level: Series = { kind: 'number', points, liveTimes: [], words }
  const said = [
    { from: 20_000, to: 30_000, state: 'sensor error' },
    { from: 40_000, to: 45_000, state: '' },
  ]
  expect(segmentsOf(pictureOf(level), 'level', known)).toEqual(said)
  const changes = { ...level, words: { ...words, changesOnly: true } }
  expect(segmentsOf(pictureOf(changes), 'level', known)).toEqual(said)
})

it('L-LANE-2: nothing is said of what is not known: behind the picture, or behind an only state', () => {
  const door = {
    kind: 'state' as const,
    points: [{ t: 20_000, state: 'open' }],
    changesOnly: false,
    gaps: [],
  }
  const ends = (to: number, offlineSince: number | null) =>
    segmentsOf(pictureOf(door, to), 'level', { ...known, offlineSince }).map((segment) => segment.to)
  expect([ends(360_000, null), ends(30_000, null), ends(360_000, 40_000)]).toEqual([
    ...[[60_000], [30_000], [40_000]],
  ])
})

it('bandTones keep resting states grey', () => {
  expect([...bandTones(['closed', 'open', 'closed', 'jammed', 'ajar']).values()]).toEqual([
    'rest',
    'a',
    'b',
    'a',
  ])
})
