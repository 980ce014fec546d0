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

it('bandTones keep resting states grey', () => {
  expect([...bandTones(['closed', 'open', 'closed', 'jammed', 'ajar']).values()]).toEqual([
    'rest',
    'a',
    'b',
    'a',
  ])
})
