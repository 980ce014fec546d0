import { expect, it } from 'vitest'
import { startStopwatch } from './stopwatch.ts'

it('C-CLOCK-9 a stopwatch counts the sleep of the machine, once, and is not moved by whole seconds', () => {
  const clock = { awakeMs: 500, upMs: 90_000 }
  const read = startStopwatch(
    () => clock.awakeMs,
    () => Math.floor(clock.upMs / 1_000) * 1_000,
  )
  for (let i = 0; i < 50; i++) {
    clock.awakeMs += 300
    clock.upMs += 300
    expect(read()).toBe(clock.awakeMs)
  }
  clock.upMs += 7_200_000
  const slept = read() - clock.awakeMs
  expect(Math.abs(slept - 7_200_000)).toBeLessThanOrEqual(1_000)
  for (let i = 0; i < 50; i++) {
    clock.awakeMs += 300
    clock.upMs += 300
    expect(read()).toBe(clock.awakeMs + slept)
  }
})

it('C-CLOCK-10 it goes on as the real clocks do', () => {
  const read = startStopwatch()
  const beforeMs = performance.now()
  const first = read()
  const afterMs = performance.now()
  expect(first).toBeGreaterThanOrEqual(beforeMs)
  expect(first).toBeLessThanOrEqual(afterMs)
  expect(read()).toBeGreaterThanOrEqual(first)
})
