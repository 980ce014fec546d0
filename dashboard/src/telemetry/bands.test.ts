import { expect, it } from 'vitest'
import { bandTones, segments } from './bands.ts'

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

it('bandTones keep resting states grey', () => {
  expect([...bandTones(['closed', 'open', 'closed', 'jammed', 'ajar']).values()]).toEqual([
    'rest',
    'a',
    'b',
    'a',
  ])
})
