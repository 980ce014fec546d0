import { waitFor } from '@telltale/infra/testing/wait'
import { expect, it } from 'vitest'
import { afterOwnTime } from './own-time.ts'

it('R-PROC-8 a deadline counts time in which the process ran, and is late by little', async () => {
  let isOver = false
  const beganMs = performance.now()
  const cancel = afterOwnTime(600, () => {
    isOver = true
  })
  const cancelled = afterOwnTime(0, () => {
    throw new Error('it was cancelled')
  })
  cancelled()
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000)
  // Its timer is due before anything can be read.
  await new Promise((resolve) => setTimeout(resolve, 0))
  expect(isOver).toBe(false)
  await waitFor('its end', () => isOver)
  expect(performance.now() - beganMs).toBeGreaterThan(1_000 + 600 - 2 * 100)
  cancel()
})
