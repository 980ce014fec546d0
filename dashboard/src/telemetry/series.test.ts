import type { Readings } from '@telltale/api/contract'
import { describe, expect, it } from 'vitest'
import { mergeReadings } from './merge.ts'
import { fromReadings, type NumberSeries, type Picture } from './series.ts'

const raw: Readings = {
  deviceId: 'bay',
  from: 0,
  to: 3_500,
  bucketMs: null,
  source: 'raw',
  truncated: false,
  t: [],
  series: {
    temperature: { kind: 'number', t: [1_000, 2_000, 3_000], value: [20, 21, 22], gaps: [] },
    door: { kind: 'string', t: [1_000], value: ['closed'], gaps: [] },
  },
}

const bucketed: Readings = {
  ...raw,
  bucketMs: 10_000,
  to: 25_000,
  source: 'raw',
  t: [0, 10_000, 20_000],
  series: {
    temperature: {
      kind: 'number',
      avg: [20, null, 22],
      min: [19, null, 21],
      max: [21, null, 23],
      last: [20, null, 22],
      count: [10, 0, 2],
      gaps: [],
    },
    ok: {
      kind: 'boolean',
      avg: [1, 0.5, 0],
      min: [1, 0, 0],
      max: [1, 1, 0],
      last: [1, 0, 0],
      count: [3, 4, 5],
      gaps: [],
    },
    pump: { kind: 'boolean', t: [2_000, 12_000], value: [true, false], gaps: [[14_000, 21_000]] },
  },
}

function points(picture: Picture, metric = 'temperature') {
  return (picture.series[metric] as NumberSeries).points
}

function live(time: number, temperature: number) {
  return { deviceId: 'bay', time, values: { temperature } }
}

describe('raw history and live readings', () => {
  it('form one line: the overlap changes nothing', () => {
    const picture = mergeReadings(fromReadings(raw), [live(3_000, 99), live(4_000, 23)], 0)
    expect(points(picture).map(({ t, avg }) => [t, avg])).toEqual([
      [1_000, 20],
      [2_000, 21],
      [3_000, 22],
      [4_000, 23],
    ])
    expect(picture.arrived).toBe(2)
  })

  it('put a late reading where its time belongs', () => {
    const picture = mergeReadings(fromReadings(raw), [live(2_500, 5)], 0)
    expect(points(picture).map(({ t }) => t)).toEqual([1_000, 2_000, 2_500, 3_000])
  })

  it('start a series for a metric never seen, and keep text as states', () => {
    const reading = { deviceId: 'bay', time: 4_000, values: { co2: 800, door: 'open' } }
    const picture = mergeReadings(fromReadings(raw), [reading], 0)
    expect(points(picture, 'co2')).toHaveLength(1)
    expect(picture.series.door?.points).toEqual([
      { t: 1_000, state: 'closed' },
      { t: 4_000, state: 'open' },
    ])
  })

  it('leave the older picture as it was, for a paused chart', () => {
    const before = fromReadings(raw)
    mergeReadings(before, [live(4_000, 23)], 0)
    expect(points(before)).toHaveLength(3)
  })

  it('forget what left the window but the point the line enters from', () => {
    const picture = mergeReadings(fromReadings(raw), [live(4_000, 23)], 2_500)
    expect(points(picture).map(({ t }) => t)).toEqual([2_000, 3_000, 4_000])
  })
})

describe('bucketed history and live readings', () => {
  it('drop empty buckets and keep a changing boolean apart from on and off', () => {
    const picture = fromReadings(bucketed)
    expect(points(picture).map(({ t }) => t)).toEqual([0, 20_000])
    expect(picture.series.ok?.points.map((point) => ('state' in point ? point.state : ''))).toEqual([
      'true',
      'mixed',
      'false',
    ])
  })

  it('booleans that come as changes keep the gaps they came with', () => {
    const reading = { deviceId: 'bay', time: 26_000, values: { pump: true } }
    expect(mergeReadings(fromReadings(bucketed), [reading], 0).series.pump).toEqual({
      kind: 'state',
      changesOnly: true,
      points: [
        { t: 2_000, state: 'true' },
        { t: 12_000, state: 'false' },
        { t: 26_000, state: 'true' },
      ],
      gaps: [{ from: 14_000, to: 21_000 }],
    })
  })

  it('a live reading moves the newest bucket', () => {
    const picture = mergeReadings(fromReadings(bucketed), [live(26_000, 28)], 0)
    expect(points(picture).at(-1)).toEqual({ t: 20_000, avg: 24, min: 21, max: 28, count: 3 })
  })

  it('a reading the history already counted changes no average', () => {
    const picture = mergeReadings(fromReadings(bucketed), [live(24_000, 22.5)], 0)
    expect(points(picture).at(-1)).toEqual({ t: 20_000, avg: 22, min: 21, max: 23, count: 2 })
  })

  it('a reading delivered twice counts once', () => {
    const picture = mergeReadings(fromReadings(bucketed), [live(26_000, 28), live(26_000, 28)], 0)
    expect(points(picture).at(-1)?.count).toBe(3)
  })

  it('a reading beyond the newest bucket opens the next', () => {
    const picture = mergeReadings(fromReadings(bucketed), [live(31_000, 30)], 0)
    expect(points(picture).at(-1)).toMatchObject({ t: 30_000, avg: 30, min: 30, max: 30, count: 1 })
  })

  it('L-MERGE-1: late readings of a bucket the history does not have are all counted', () => {
    const history = { ...fromReadings({ ...bucketed, t: [0, 10_000, 40_000] }), historyTo: 50_000 }
    const late = Array.from({ length: 10 }, (_, index) => live(30_000 + index * 1_000, index * 10))
    const inTwo = mergeReadings(mergeReadings(history, late.slice(0, 4), 0), late.slice(4), 0)
    for (const picture of [mergeReadings(history, late, 0), inTwo]) {
      expect(points(picture).find(({ t }) => t === 30_000)).toMatchObject({
        avg: 45,
        min: 0,
        max: 90,
        count: 10,
      })
    }
  })
})

describe('many live readings', () => {
  it.each([
    ['readings', raw],
    ['buckets', bucketed],
  ])('L-MERGE-2: merged with %s at once, in any order, they make what they make one by one', (_, history) => {
    // Times come twice, before, within and after the history, and every metric changes its type.
    const readings = Array.from({ length: 90 }, (_, index) => ({
      ...{ deviceId: 'bay', time: ((index * 37) % 70) * 500 },
      values: {
        temperature: index % 11 === 3 ? 'broken' : index % 7,
        door: index % 3 === 0 ? 'open' : 'shut',
        ok: index % 13 === 5 ? 7 : index % 2 === 0,
        fresh: index < 4 ? index : `word ${index % 3}`,
      },
    }))
    const begin = { ...fromReadings(history), historyTo: 20_000 }
    const oneByOne = readings.reduce((picture, reading) => mergeReadings(picture, [reading], 0), begin)
    expect(rounded(mergeReadings(begin, readings, 0))).toEqual(rounded(oneByOne))
  })
})

/** An average depends on the order of its sum in the last digits. */
function rounded({ series }: Picture) {
  return JSON.parse(
    JSON.stringify(series, (key, value) => (key === 'avg' ? Math.round(value * 1e9) / 1e9 : value)),
  )
}
