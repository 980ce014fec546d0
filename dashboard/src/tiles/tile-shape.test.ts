import { describe, expect, it } from 'vitest'
import type { NumberSeries, Series } from '../telemetry/series.ts'
import { tileShape } from './tile-shape.ts'

const box = { from: 0, to: 64_000, width: 64, height: 26 }

function numbers(...values: [t: number, value: number][]): NumberSeries {
  const points = values.map(([t, avg]) => ({ t, avg, min: avg, max: avg, count: 1 }))
  return { kind: 'number', points, liveTimes: [] }
}

const every = (from: number, to: number, value: number): [number, number][] =>
  Array.from({ length: (to - from) / 1_000 }, (_, index) => [from + index * 1_000, value])

describe('the line of a tile', () => {
  it('D-TILE-4: stops where the data stops, and is broken where it is missing', () => {
    const { line, end } = tileShape(numbers(...every(0, 20_000, 1), ...every(40_000, 50_000, 2)), box, null)
    expect(line.match(/M/g)).toHaveLength(2)
    expect(end?.x).toBeCloseTo(2 + (49 / 64) * 59, 0)
  })

  it('D-TILE-4: the limit it is beyond is in the picture', () => {
    const { limitY, end } = tileShape(numbers(...every(0, 60_000, 10)), box, 4)
    expect(limitY).toBeGreaterThan(end?.y ?? 99)
    expect(limitY).toBeLessThanOrEqual(box.height - 3)
  })

  it('D-TILE-4: noise stays small', () => {
    const { line } = tileShape(numbers([0, 100], [2_000, 100.1], [4_000, 100]), box, null)
    const heights = [...line.matchAll(/ ([\d.]+)/g)].map(([, y]) => Number(y))
    expect(Math.max(...heights) - Math.min(...heights)).toBeLessThan(1.5)
  })

  it('D-TILE-4: a state is drawn in steps, up to now while it holds', () => {
    const points = [
      { t: 10_000, state: 'closed' },
      { t: 30_000, state: 'open' },
    ]
    const series: Series = { kind: 'state', points, changesOnly: true, gaps: [] }
    expect(tileShape(series, box, null).line).toMatch(/^M[\d.]+ 23H[\d.]+V3H61$/)
    expect(tileShape({ ...series, changesOnly: false }, box, null).end?.x).toBeLessThan(61)
    expect(tileShape(undefined, box, null)).toMatchObject({ line: '', end: null })
  })

  it('D-TILE-4: no number there is breaks it', () => {
    const extremes = [1e300, -1e300, Number.MAX_VALUE, -Number.MAX_VALUE, 5e-324, -0, 0, 1e-9]
    const triples = extremes.flatMap((a) => extremes.flatMap((b) => extremes.map((c) => [a, b, c] as const)))
    for (const [a, b, limit] of triples) {
      // Two of one pixel, which are averaged, and one that stands alone.
      const series = numbers([100, a], [200, b], [30_000, b], [32_000, a])
      for (const drawn of [null, limit]) {
        const { line, fill, end } = tileShape(series, box, drawn)
        expect(`${line}${fill}`, `${a}, ${b}, ${drawn}`).not.toMatch(/NaN|Infinity|undefined|e/)
        expect(end?.y).toBeLessThanOrEqual(box.height)
      }
    }
  })
})
