import { expect, it } from 'vitest'
import { dayBars } from './day-bars.ts'

const hourMs = 3_600_000
const day = (shares: (number | null)[]) => ({ from: 0, to: shares.length * hourMs, shares })

it('a whole hour is green, a missing part is a red foot of its share, and never too small to see', () => {
  expect(dayBars(day([1]), null)).toEqual({ ok: 'M0 0h4v16h-4z', bad: '', warn: '', none: '' })
  expect(dayBars(day([1, 0.5]), null)).toMatchObject({
    ok: 'M0 0h4v16h-4zM6 0h4v8h-4z',
    bad: 'M6 8h4v8h-4z',
  })
  expect(dayBars(day([0.99]), null)).toMatchObject({ ok: 'M0 0h4v12h-4z', bad: 'M0 12h4v4h-4z' })
  expect(dayBars(day([0]), null)).toMatchObject({ ok: '', bad: 'M0 0h4v16h-4z' })
})

it('what is unknown is a stub, neither well nor away', () => {
  expect(dayBars(day([null]), null)).toEqual({ ok: '', bad: '', warn: '', none: 'M0 14h4v2h-4z' })
})

it('the silence that lasts is amber from where it began', () => {
  expect(dayBars(day([1, 1]), 1.5 * hourMs)).toMatchObject({
    ok: 'M0 0h4v16h-4zM6 0h4v8h-4z',
    warn: 'M6 8h4v8h-4z',
  })
})
