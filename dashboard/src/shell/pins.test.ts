import { expect, it } from 'vitest'
import { pinsMax, readPins } from './pins.ts'

it('O-PINS-1 pins are read back as they were kept, each once and no more than fit', () => {
  expect(readPins('["a","b","a"]')).toEqual(['a', 'b'])
  const many = Array.from({ length: pinsMax + 3 }, (_, number) => `device-${number}`)
  expect(readPins(JSON.stringify(many))).toEqual(many.slice(0, pinsMax))
})

it.each([null, '', 'nonsense', '{"a":1}', '[1,null,"../x","<img>"]'])(
  'O-PINS-2 %j is no pin and no fault',
  (stored) => {
    expect(readPins(stored)).toEqual([])
  },
)
