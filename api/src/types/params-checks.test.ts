import { expect, it } from 'vitest'
import { ParamsChecks } from './params-checks.ts'

const schema = (name: string, characters = 0) =>
  JSON.stringify({ type: 'object', title: name, description: 'x'.repeat(characters) })

it('D-TYPE-13 the checks used last are kept, within bounds of number and size', () => {
  for (const [count, characters] of [
    [1_001, 0],
    [100, 16_000],
  ] as const) {
    const checks = new ParamsChecks()
    const [first, second] = [checks.of(schema('first')), checks.of(schema('second'))]
    for (let i = 0; i < count; i++) {
      checks.of(schema(`other ${i}`, characters))
      expect(checks.of(schema('first')), 'in use all the time').toBe(first)
    }
    expect(checks.of(schema('second')), 'not used for longest').not.toBe(second)
    expect(checks.of(schema('second')).faults(null, 'p')).toEqual([{ path: 'p', message: 'must be object' }])
  }
})
