import { describe, expect, it } from 'vitest'
import { readParams } from './params.ts'

describe('readParams', () => {
  it('takes empty as none', () => {
    expect(readParams('  \n')).toEqual({ ok: true, params: undefined })
  })

  it('reads JSON', () => {
    expect(readParams('{"on": true}')).toEqual({ ok: true, params: { on: true } })
  })

  it.each([
    ['{"on": tru}', 'line 1, column 8'],
    ['{\n  "on": true,\n  oops\n}', 'line 3, column 3'],
    ['{"on": true', 'line 1, column 12'],
  ])('%j says where: %s', (text, where) => {
    expect(readParams(text)).toEqual({ ok: false, message: `Not JSON at ${where}.` })
  })
})
