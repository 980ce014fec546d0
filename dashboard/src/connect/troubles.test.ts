import { describe, expect, it } from 'vitest'
import type { Heard } from './heard.ts'
import { withTrouble } from './troubles.ts'

const item = (key: number | string, at: number): Heard => ({
  ...{ key, at, kind: 'connected', shape: 'online', tone: 'ok', title: '', detail: '' },
})

describe('withTrouble', () => {
  const heard = [item(2, 30), item(1, 10)]

  it.each([
    [40, ['problem', 2, 1]],
    [20, [2, 'problem', 1]],
    [5, [2, 1, 'problem']],
  ])('puts one of time %i where it belongs', (at, keys) => {
    expect(withTrouble(heard, item('problem', at)).map(({ key }) => key)).toEqual(keys)
  })

  it('leaves the others alone when there is none', () => {
    expect(withTrouble(heard, null)).toBe(heard)
  })
})
