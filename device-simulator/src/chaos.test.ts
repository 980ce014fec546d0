import { expect, test } from 'vitest'
import { createChaos, type Mishap } from './chaos.ts'
import { createRng } from './rng.ts'

function mishaps(seed: number, ticks: number): Mishap[] {
  const chaos = createChaos(createRng(seed))
  return Array.from({ length: ticks }, () => chaos.next())
}

test('the same seed breaks the same way, another one otherwise', () => {
  expect(mishaps(7, 5_000)).toEqual(mishaps(7, 5_000))
  expect(mishaps(8, 5_000)).not.toEqual(mishaps(7, 5_000))
})

test('everything happens, and nothing happens often', () => {
  const drawn = mishaps(7, 20_000)
  for (const kind of ['cut', 'silence', 'duplicate', 'garbage'] as const) {
    const share = drawn.filter((mishap) => mishap === kind).length / drawn.length
    expect(share, kind).toBeGreaterThan(0)
    expect(share, kind).toBeLessThan(0.02)
  }
})

test('some clocks are wrong, most are right', () => {
  const skews = Array.from({ length: 500 }, (_, seed) => createChaos(createRng(seed * 7_919)).skewMs)
  const wrong = skews.filter((skewMs) => skewMs !== 0).length
  expect(wrong).toBeGreaterThan(15)
  expect(wrong).toBeLessThan(90)
})
