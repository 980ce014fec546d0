import { describe, expect, it } from 'vitest'
import { checkParams, rangeWords } from './check.ts'
import { readField } from './schema.ts'

const errors = (schema: unknown, params: unknown) =>
  checkParams(readField(schema), params).map(({ at, message }) => `${at} ${message}`)

describe('checkParams', () => {
  it.each([
    [{ type: 'number', maximum: 100 }, 101, 'At most 100.'],
    [{ type: 'number', minimum: -5 }, -6, 'At least −5.'],
    [{ type: 'number', exclusiveMinimum: 0 }, 0, 'Must be above 0.'],
    [{ type: 'number', exclusiveMaximum: 1 }, 1, 'Must be below 1.'],
    [{ type: 'number', multipleOf: 0.5 }, 0.7, 'In steps of 0.5.'],
    [{ type: 'integer' }, 1.5, 'Must be a whole number.'],
    [{ type: 'number' }, 'abc', 'Must be a number.'],
    [{ type: 'boolean' }, 'yes', 'Must be yes or no.'],
    [{ type: 'string', minLength: 2 }, 'a', 'At least 2 characters.'],
    [{ type: 'string', maxLength: 1 }, 'ab', 'At most 1 character.'],
    [{ enum: ['a', 'b'] }, 'c', 'Must be one of the list.'],
    [{ type: 'array', items: { type: 'string' }, maxItems: 1 }, ['a', 'b'], 'At most 1.'],
    [{ type: 'array', items: { type: 'string' }, minItems: 1 }, [], 'At least 1.'],
    [{ type: 'object' }, [], 'Must be an object.'],
  ])('C-FORM-5: %j refuses %j: %s', (schema, params, message) => {
    expect(errors(schema, params)).toEqual([` ${message}`])
  })

  it('C-FORM-5: finds each error where it is', () => {
    const schema = {
      type: 'object',
      required: ['on', 'at'],
      properties: {
        on: { type: 'boolean' },
        at: { type: 'object', required: ['hour'], properties: { hour: { type: 'integer', maximum: 23 } } },
        zones: { type: 'array', items: { type: 'string' } },
      },
      additionalProperties: false,
    }
    expect(errors(schema, {})).toEqual(['/on Needed.', '/at Needed.'])
    expect(errors(schema, { on: true, at: { hour: 24 }, zones: ['a', null], more: 1 })).toEqual([
      '/at/hour At most 23.',
      '/zones/1 Needed.',
      ' “more” is not known.',
    ])
  })

  it('C-FORM-5: lets through what is right, floating point included', () => {
    expect(errors({ type: 'number', multipleOf: 0.1 }, 0.3)).toEqual([])
    expect(errors({ enum: [null, 1] }, null)).toEqual([])
    expect(errors({ type: 'string', maxLength: 2 }, '👍👍')).toEqual([])
    expect(errors({ pattern: '(' }, { anything: 1 })).toEqual([])
  })
})

it('rangeWords says what a number may be', () => {
  const words = (schema: unknown) => {
    const field = readField(schema)
    return field.kind === 'number' ? rangeWords(field) : ''
  }
  expect(words({ type: 'number', minimum: -40, maximum: 85, multipleOf: 0.5 })).toBe(
    '−40 to 85, steps of 0.5',
  )
  expect(words({ type: 'integer', minimum: 1 })).toBe('whole number, at least 1')
  expect(words({ type: 'number' })).toBe('')
})
