import { describe, expect, it } from 'vitest'
import { paramsErrors, placeErrors } from './placed-errors.ts'
import { readField } from './schema.ts'

const field = readField({
  type: 'object',
  properties: {
    level: { type: 'number' },
    at: { type: 'object', properties: { hour: { type: 'integer' } } },
    'a/b': { type: 'string' },
    any: { type: 'object' },
    zones: { type: 'array', items: { type: 'string' } },
  },
})
const place = (errors: { path: string; message: string }[], params: unknown = {}) => {
  const placed = placeErrors(field, paramsErrors(errors).params, params)
  return { ...Object.fromEntries(placed.byField), rest: placed.rest }
}

describe('placeErrors', () => {
  it('C-FORM-6: an error is at its field', () => {
    const errors = [{ path: 'body/params/level', message: 'must be <= 100' }]
    expect(place(errors)).toEqual({ '/level': 'Must be <= 100.', rest: [] })
  })

  it('C-FORM-6: goes to the nearest field around it, and to the rest when there is none', () => {
    const errors = [
      { path: 'body/params/at/hour', message: 'too late' },
      { path: 'body/params/a~1b', message: 'too short' },
      { path: 'body/params/any/deep/er', message: 'must be number' },
      { path: 'body/params/zones/0', message: 'must be string' },
      { path: 'body/params', message: 'must not have more' },
      { path: 'body/params/colour', message: 'is not known' },
    ]
    expect(place(errors, { zones: [1] })).toEqual({
      '/at/hour': 'Too late.',
      '/a~1b': 'Too short.',
      '/any': 'deep/er: Must be number.',
      '/zones/0': 'Must be string.',
      rest: ['Must not have more.', 'colour: Is not known.'],
    })
  })

  it('C-FORM-6: the first of several at one field is shown', () => {
    const both = [
      { path: 'body/params/level', message: 'one' },
      { path: 'body/params/level', message: 'two' },
    ]
    expect(place(both)).toEqual({ '/level': 'One.', rest: [] })
  })

  it('what is not about the params is kept apart', () => {
    expect(paramsErrors([{ path: 'body/name', message: 'is needed' }])).toEqual({
      params: [],
      others: ['is needed'],
    })
  })

  it('a value that is the whole form has its error too', () => {
    const placed = placeErrors(readField({ type: 'number' }), [{ at: '', message: 'Needed.' }], undefined)
    expect(placed.byField.get('')).toBe('Needed.')
  })
})
