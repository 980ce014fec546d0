import { expect, it, vi } from 'vitest'
import { RetainedMessages } from './store-retained.ts'

it('M-STORE-19 of 10,000 retained topics in memory an exact filter looks at its own only', () => {
  const retained = new RetainedMessages()
  for (let i = 0; i < 10_000; i++)
    retained.store({ topic: `devices/${i % 100}/m${i}`, payload: Buffer.of(1), qos: 1 })
  // Comparing a topic with a filter splits it.
  const split = vi.spyOn(String.prototype, 'split')
  const splitsOf = (filter: string) => {
    split.mockClear()
    const found = [...retained.find([filter])].length
    return { found, splits: split.mock.calls.length }
  }
  const [exact, inGroup, all] = ['devices/7/m7', 'devices/7/#', '#'].map(splitsOf)
  split.mockRestore()
  expect(exact?.found).toBe(1)
  expect(exact?.splits).toBeLessThan(5)
  expect(inGroup?.found).toBe(100)
  expect(inGroup?.splits).toBeLessThan(300)
  expect(all?.found).toBe(10_000)
  expect(all?.splits).toBeGreaterThan(10_000)
})
