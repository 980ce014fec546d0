import { describe, expect, it } from 'vitest'
import { ended, moveOf, scaled, snapped, stepped } from './moves.ts'
import { nearest, neighbour } from './nearest.ts'
import { statsOf } from './stats.ts'

function row(t: number, avg: number | null = 1) {
  return { t, avg, range: null, endT: t }
}

const lines = [{ rows: [row(0), row(10), row(15, null), row(40)] }, { rows: [row(4), row(38)] }]

describe('moves on a chart', () => {
  it('L-KEYS-1: each key has one meaning, and all others are left to the page', () => {
    expect(moveOf('ArrowLeft', false)).toEqual({ kind: 'step', direction: -1 })
    expect(moveOf('ArrowRight', true)).toEqual({ kind: 'extend', direction: 1 })
    expect(moveOf('+', true)).toEqual({ kind: 'scale', factor: 0.5 })
    expect(moveOf(' ', false)).toEqual({ kind: 'hold' })
    expect(moveOf('Enter', false)).toEqual({ kind: 'take' })
    for (const key of ['Tab', 'ArrowUp', 'ArrowDown', 'PageDown', 'a', '/', '?'])
      expect(moveOf(key, false)).toBeNull()
  })

  it('L-KEYS-2: steps go from point to point of all lines, and never into a gap', () => {
    const walk = [0]
    for (let step = 0; step < 6; step += 1) walk.push(stepped(lines, walk.at(-1) ?? 0, 1) ?? -1)
    expect(walk).toEqual([0, 4, 10, 38, 40, 40, 40])
    expect(stepped(lines, 38, -1)).toBe(10)
    expect(stepped(lines, null, -1)).toBe(40)
    expect([ended(lines, -1), ended(lines, 1), ended([], 1), stepped([], 7, 1)]).toEqual([0, 40, null, 7])
  })

  it('L-KEYS-3: a hand means the nearest point of any line', () => {
    expect([snapped(lines, 3), snapped(lines, 17), snapped(lines, 39.5), snapped([], 5)]).toEqual([
      4, 10, 40, 5,
    ])
  })

  it('L-KEYS-4: zooming keeps the moment under the crosshair in its place, and shows nothing that is to come', () => {
    expect(scaled({ from: 0, to: 100 }, 0.5, { around: 20, now: 100 })).toEqual({ from: 10, to: 60 })
    expect(scaled({ from: 0, to: 100 }, 2, { around: 50, now: 100 })).toEqual({ from: -100, to: 100 })
    expect(scaled({ from: 0, to: 100 }, 2, { around: 50, now: 1_000 })).toEqual({ from: -50, to: 150 })
  })
})

it('L-STATS-1: last, lowest, average and highest of what is shown, each bucket with the weight of its readings', () => {
  const points = [
    { t: 0, avg: 100, min: 100, max: 100, count: 1 },
    { t: 10, avg: 10, min: 4, max: 12, count: 3 },
    { t: 20, avg: 20, min: 18, max: 30, count: 1 },
    { t: 30, avg: -50, min: -50, max: -50, count: 1 },
  ]
  expect(statsOf(points, { from: 5, to: 25 })).toEqual({ last: 20, min: 4, avg: 12.5, max: 30, lastT: 20 })
  expect(statsOf(points, { from: 11, to: 19 })).toBeNull()
})

it('L-STATS-2: the average of very large values is not infinite', () => {
  const points = Array.from({ length: 1_000 }, (_, t) => ({
    t,
    avg: 1e307,
    min: 1e307,
    max: 1e307,
    count: 50,
  }))
  expect(statsOf(points, { from: 0, to: 1_000 })?.avg).toBe(1e307)
})

it('L-KEYS-5: the nearest of many is found, also beyond the ends', () => {
  const rows = [10, 20, 40].map((t) => ({ t }))
  expect([-5, 14, 15, 16, 33, 99].map((t) => nearest(rows, t)?.t)).toEqual([10, 10, 10, 20, 40, 40])
  expect([nearest([], 1), neighbour(rows, 40, 1), neighbour(rows, 10, -1)]).toEqual([null, null, null])
  expect([neighbour(rows, 15, 1)?.t, neighbour(rows, 20, 1)?.t, neighbour(rows, 20, -1)?.t]).toEqual([
    20, 40, 10,
  ])
})
