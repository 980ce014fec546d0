import { describe, expect, it } from 'vitest'
import { readField } from './schema.ts'
import {
  initialParams,
  pointerOf,
  readNumber,
  shownNumber,
  steppedNumber,
  valueAt,
  withValue,
} from './values.ts'

const field = readField({
  type: 'object',
  required: ['kind'],
  properties: {
    level: { type: 'number', default: 20 },
    kind: { const: 'pump' },
    at: { type: 'object', properties: { hour: { type: 'integer' }, minute: { type: 'integer' } } },
    zones: { type: 'array', items: { type: 'string' } },
  },
})
const set = (params: unknown, path: (string | number)[], value: unknown) =>
  withValue(params, path, { field, value })

describe('initialParams', () => {
  it('C-FORM-3: fills in defaults and what cannot be otherwise, and leaves the rest out', () => {
    expect(initialParams(field)).toEqual({ level: 20, kind: 'pump' })
    expect(initialParams(readField({ type: 'object' }))).toEqual({})
    expect(initialParams(readField({ type: 'number' }))).toBeUndefined()
  })
})

describe('withValue', () => {
  it('C-FORM-4: changes one value and keeps the others, also those the form does not know', () => {
    const params = { extra: [1], level: 20 }
    expect(set(params, ['level'], 30)).toEqual({ extra: [1], level: 30 })
    expect(Object.keys(set(params, ['extra'], 2) as object)).toEqual(['extra', 'level'])
    expect(params).toEqual({ extra: [1], level: 20 })
  })

  it('C-FORM-4: makes groups when they get a value and removes them when they are empty', () => {
    const filled = set({}, ['at', 'hour'], 7)
    expect(filled).toEqual({ at: { hour: 7 } })
    expect(set(filled, ['at', 'hour'], undefined)).toEqual({})
    expect(set({ at: { hour: 7, minute: 1 } }, ['at', 'hour'], undefined)).toEqual({ at: { minute: 1 } })
  })

  it('C-FORM-4: lists have no holes', () => {
    expect(set({}, ['zones', 0], 'north')).toEqual({ zones: ['north'] })
    expect(set({ zones: ['north'] }, ['zones', 1], undefined)).toEqual({ zones: ['north', null] })
  })

  it('names that are special to JavaScript are names like any other', () => {
    const params = withValue({}, ['__proto__'], { field: readField({}), value: 1 })
    expect(JSON.stringify(params)).toBe('{"__proto__":1}')
    expect(valueAt(params, ['__proto__'])).toBe(1)
    expect(valueAt({}, ['toString'])).toBeUndefined()
  })
})

describe('numbers', () => {
  it.each([
    ['21.5', 21.5],
    ['−4', -4],
    ['.5', 0.5],
    ['1e3', 1_000],
    ['', undefined],
    ['-', '-'],
    ['0x10', '0x10'],
    ['Infinity', 'Infinity'],
    ['1e999', '1e999'],
    ['12 apples', '12 apples'],
  ])('readNumber %j is %j', (typed, value) => {
    expect(readNumber(typed)).toBe(value)
  })

  it('shownNumber keeps what is typed while it means the same', () => {
    expect(shownNumber('1.', 1)).toBe('1.')
    expect(shownNumber('1.', 2)).toBe('2')
    expect(shownNumber('5', undefined)).toBe('')
  })

  it('steppedNumber stays inside the bounds and on tenths', () => {
    const tenths = { kind: 'number', integer: false, min: 0, max: 0.3, step: 0.1 } as const
    const one = { key: '', label: '', description: '', required: true, initial: undefined, ...tenths }
    expect(steppedNumber(one, 0.1, 1)).toBe(0.2)
    expect(steppedNumber(one, 0.2, 1)).toBe(0.3)
    expect(steppedNumber(one, 0.3, 1)).toBe(0.3)
    expect(steppedNumber(one, undefined, -1)).toBe(0)
  })
})

it('pointerOf escapes', () => {
  expect(pointerOf(['a/b', 0, '~'])).toBe('/a~1b/0/~0')
})
