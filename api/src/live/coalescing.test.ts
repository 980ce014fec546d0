import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Coalescing } from './coalescing.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('L-CALM-4 an event that cannot be told when its time has come ends nothing; the next ones are told', () => {
  const told: unknown[] = []
  const failed: unknown[] = []
  const coalescing = new Coalescing<number>(1_000, {
    tell: (newest, count) => {
      if (newest === 3) throw new RangeError('too deep')
      told.push([newest, count])
    },
    onError: (error) => failed.push(String(error)),
  })
  for (const event of [1, 2, 3]) coalescing.add('x', event)
  vi.advanceTimersByTime(1_000)
  expect(failed).toEqual(['RangeError: too deep'])
  coalescing.add('x', 4)
  vi.advanceTimersByTime(1_000)
  expect(told).toEqual([
    [1, 1],
    [4, 1],
  ])
})
