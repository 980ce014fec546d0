import { random } from '@telltale/infra/testing/random'
import { expect, it } from 'vitest'
import { keywords, type ParamsSchema } from './keywords.ts'
import { findSchemaFaults } from './params-schema.ts'
import { compileParamsSchema } from './params-validator.ts'

const faults = (schema: unknown) => findSchemaFaults(schema, 'params')
const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more })
const one = (property: object) => object({ level: property })
/** What is wrong with params, and the sentence that says so. */
const check = (schema: object, params: unknown) => {
  expect(faults(schema)).toEqual([])
  return compileParamsSchema(schema as ParamsSchema)
    .faults(params, 'p')
    .map(({ path, message }) => `${path} ${message}`)
}

const everyKeyword = object(
  {
    on: { type: 'boolean', title: 'On', description: 'Light', default: false, examples: [true] },
    level: { type: 'integer', minimum: 0, maximum: 100, multipleOf: 5, default: 50 },
    gain: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1, multipleOf: 0.1 },
    mode: { type: 'string', enum: ['auto', 'off'] },
    zone: {
      oneOf: [
        { const: 1, title: 'North' },
        { const: null, title: 'Nowhere' },
      ],
    },
    note: { type: 'string', minLength: 2, maxLength: 3 },
    fixed: { const: 'x' },
    times: { type: 'array', items: { type: 'null' }, minItems: 1, maxItems: 2 },
    more: object({ a: { type: 'string' } }, { required: ['a'], additionalProperties: true }),
  },
  { required: ['on'], additionalProperties: false },
)

it('D-TYPE-4 every keyword of the subset checks what it says', () => {
  for (const name of keywords.keys()) expect(JSON.stringify(everyKeyword)).toContain(`"${name}":`)
  const good = {
    on: true,
    level: 45,
    gain: 0.3,
    mode: 'off',
    zone: null,
    note: '👍👍👍',
    fixed: 'x',
    times: [null],
  }
  expect(check(everyKeyword, { ...good, more: { a: '', b: 1 } })).toEqual([])
  const bad: [object, string][] = [
    [{}, 'p/on is required'],
    [{ on: 1 }, 'p/on must be boolean'],
    [{ on: true, of: 1 }, 'p/of is not a known field'],
    [{ on: true, 'a/b~': 1 }, 'p/a~1b~0 is not a known field'],
    [{ on: true, level: 1.5 }, 'p/level must be integer'],
    [{ on: true, level: -5 }, 'p/level must be >= 0'],
    [{ on: true, level: 105 }, 'p/level must be <= 100'],
    [{ on: true, level: 3 }, 'p/level must be multiple of 5'],
    [{ on: true, gain: 0 }, 'p/gain must be > 0'],
    [{ on: true, gain: 1 }, 'p/gain must be < 1'],
    [{ on: true, gain: 0.25 }, 'p/gain must be multiple of 0.1'],
    [{ on: true, mode: 'on' }, 'p/mode must be one of "auto", "off"'],
    [{ on: true, zone: 'North' }, 'p/zone must be one of 1, null'],
    [{ on: true, note: '👍' }, 'p/note must NOT have fewer than 2 characters'],
    [{ on: true, note: 'abcd' }, 'p/note must NOT have more than 3 characters'],
    [{ on: true, fixed: 'y' }, 'p/fixed must be "x"'],
    [{ on: true, times: [] }, 'p/times must NOT have fewer than 1 items'],
    [{ on: true, times: [null, null, null] }, 'p/times must NOT have more than 2 items'],
    [{ on: true, times: [1] }, 'p/times/0 must be null'],
    [{ on: true, more: {} }, 'p/more/a is required'],
    [{ on: true, more: { a: 1 } }, 'p/more/a must be string'],
  ]
  for (const [params, message] of bad) expect(check(everyKeyword, params)).toEqual([message])
  for (const params of [null, [], 'x', 1]) expect(check(everyKeyword, params)).toEqual(['p must be object'])
  expect(check(one({ type: 'number' }), JSON.parse('{"level":1e400}'))).toEqual(['p/level must be number'])
})

it('D-TYPE-5 keywords with wrong values are refused where they are', () => {
  const wrong: [unknown, string, string][] = [
    [null, 'params', 'must be a schema'],
    [true, 'params', 'must be a schema'],
    [[], 'params', 'must be a schema'],
    [{}, 'params/type', 'must be object'],
    [{ type: 'array' }, 'params/type', 'must be object'],
    [{ type: ['object', 'null'] }, 'params/type', 'must be one of object, array'],
    [{ properties: {} }, 'params/properties', 'checks nothing without "type": "object"'],
    [object([]), 'params/properties', 'must be an object of schemas'],
    [one(true as never), 'params/properties/level', 'must be a schema'],
    [one({ minimum: 1 }), 'params/properties/level/minimum', 'checks nothing without "type": "number"'],
    [one({ type: 'string', minimum: 1 }), 'params/properties/level/minimum', 'checks nothing'],
    [one({ type: 'number', minimum: '1' }), 'params/properties/level/minimum', 'must be a number'],
    [
      one({ type: 'number', minimum: 2, maximum: 1 }),
      'params/properties/level/maximum',
      'no value would fit',
    ],
    [one({ type: 'number', multipleOf: 0 }), 'params/properties/level/multipleOf', 'above 0'],
    [one({ type: 'string', minLength: -1 }), 'params/properties/level/minLength', 'whole number'],
    [one({ type: 'string', maxLength: 2 ** 31 }), 'params/properties/level/maxLength', 'whole number'],
    [one({ type: 'array', items: [{}] }), 'params/properties/level/items', 'must be one schema'],
    [one({ enum: [] }), 'params/properties/level/enum', '1 to 500 plain values'],
    [one({ enum: [1, 1] }), 'params/properties/level/enum', 'each once'],
    [one({ enum: [{}] }), 'params/properties/level/enum', 'plain values'],
    [one({ enum: Array.from({ length: 501 }, (_, i) => i) }), 'params/properties/level/enum', '1 to 500'],
    [one({ const: {} }), 'params/properties/level/const', 'must be text, a number'],
    [one({ oneOf: [{ type: 'string' }] }), 'params/properties/level/oneOf', '{ const, title }'],
    [one({ oneOf: [{ const: 1 }] }), 'params/properties/level/oneOf', '{ const, title }'],
    [one({ oneOf: [{ const: 1, title: 'a', type: 'number' }] }), 'params/properties/level/oneOf', '{ const'],
    [
      one({
        oneOf: [
          { const: 1, title: '' },
          { const: 1, title: '' },
        ],
      }),
      'params/properties/level/oneOf',
      'once',
    ],
    [one({ enum: [1], oneOf: [{ const: 1, title: '' }] }), 'params/properties/level/oneOf', 'not both'],
    [object({}, { required: ['on'] }), 'params/required', 'names "on", which is not in properties'],
    [object({}, { required: ['constructor'] }), 'params/required', 'not in properties'],
    [object({}, { additionalProperties: {} }), 'params/additionalProperties', 'true or false'],
    [object({ 'a/b': { $ref: '#' } }), 'params/properties/a~1b/$ref', 'references are not followed'],
  ]
  for (const [schema, path, message] of wrong)
    expect([schema, faults(schema)]).toEqual([schema, [{ path, message: expect.stringContaining(message) }]])
})

it('D-TYPE-6 defaults and choices fit their own schema', () => {
  const of = (property: object) => faults(one(property)).map(({ path, message }) => `${path} ${message}`)
  const at = 'params/properties/level'
  expect(of({ type: 'integer', default: 'x' })).toEqual([
    `${at}/default does not fit its own schema: must be integer`,
  ])
  expect(of({ type: 'string', enum: ['a', 1] })).toEqual([
    `${at}/enum/1 does not fit its own schema: must be string`,
  ])
  expect(of({ type: 'string', oneOf: [{ const: 1, title: '' }] })).toEqual([
    `${at}/oneOf/0 does not fit its own schema: must be string`,
  ])
  expect(of({ type: 'string', const: 1 })).toEqual([
    `${at}/const does not fit its own schema: must be string`,
  ])
  expect(of({ enum: ['a', 'b'], default: 'c' })).toHaveLength(1)
  expect(of({ type: 'array', items: { type: 'number' }, default: [1, 'x'] })).toEqual([
    `${at}/default does not fit its own schema: must be number at /1`,
  ])
  expect(faults(object({ a: { type: 'string' } }, { required: ['a'], default: {} }))).toHaveLength(1)
  expect(faults({ type: 'object', default: null })).toHaveLength(1)
})

it('D-TYPE-7 schemas have bounds: depth, number, bytes', () => {
  const nested = (depth: number): object =>
    depth === 1 ? { type: 'object' } : object({ a: nested(depth - 1) })
  expect(faults(nested(8))).toEqual([])
  expect(faults(nested(9))).toEqual([
    { path: `params${'/properties/a'.repeat(8)}`, message: 'is schema in schema 9 deep; at most 8' },
  ])
  const wide = (count: number) =>
    object(
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, { type: 'null', default: null }])),
    )
  expect(faults(wide(199))).toEqual([])
  expect(faults(wide(250))).toEqual([
    { path: 'params/properties/p199', message: 'is one schema too many; at most 200 in all' },
  ])
  const long = (bytes: number) => ({ type: 'object', description: 'x'.repeat(bytes) })
  const overhead = JSON.stringify(long(0)).length
  expect(faults(long(16 * 1024 - overhead))).toEqual([])
  expect(faults(long(16 * 1024 - overhead + 1))[0]?.message).toContain('and has 16385')
  const deepValue = JSON.parse(`{"type":"object","default":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)
  expect(faults(deepValue)).toEqual([{ path: 'params', message: 'must not nest deeper than 32 levels' }])
  const allWrong = object(Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`p${i}`, { not: {} }])))
  expect(faults(allWrong)).toHaveLength(20)
})

const hostile = [
  'constructor',
  'toString',
  'hasOwnProperty',
  'prototype',
  'a/b~c',
  '"];throw 1//',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a name that looks like a template
  '${x}',
  "'`\\",
]
const invisible = ['\u2028', '\n', '\0', '👍']

it('D-TYPE-8 property names are data, whatever they are', () => {
  for (const name of [...hostile, ...invisible]) {
    const schema = object({ [name]: { type: 'integer' } }, { required: [name], additionalProperties: false })
    expect([name, check(schema, { [name]: 1 })]).toEqual([name, []])
    expect(check(schema, {})).toEqual([expect.stringMatching(/ is required$/)])
    expect(check(schema, { [name]: 'x' })).toEqual([expect.stringMatching(/ must be integer$/)])
    expect(check(object({}, { additionalProperties: false }), { [name]: 1 })).toHaveLength(1)
    const optional = object({ [name]: { type: 'integer' } })
    expect([name, check(optional, {})]).toEqual([name, []])
  }
  for (const name of ['__proto__', '', '\ud800'])
    expect(faults(object(Object.fromEntries([[name, { type: 'integer' }]])))).toEqual([
      { path: `params/properties/${name}`, message: 'cannot be the name of a property' },
    ])
  expect(faults(JSON.parse('{"type":"object","__proto__":{}}'))[0]?.path).toBe('params/__proto__')
  const open = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')
  expect(check({ type: 'object' }, open)).toEqual([])
  expect(check({ type: 'object', additionalProperties: false }, open)).toHaveLength(2)
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
})

it('D-TYPE-9 params however hostile are answered quickly, with few errors', () => {
  const item = object({ a: { type: 'integer', minimum: 0, multipleOf: 2 } }, { required: ['a'] })
  const schema = object({ list: { type: 'array', items: item } })
  const fits = { list: Array.from({ length: 10_000 }, () => ({ a: 2 })) }
  const fails = { list: Array.from({ length: 10_000 }, () => ({ a: -1.5, b: 1 })) }
  expect(check(schema, fits)).toEqual([])
  expect(check(schema, fails)).toEqual(['p/list/0/a must be integer'])
  expect(check(schema, { list: fails.list.slice(0, 100) })).toHaveLength(20)
  const closed = object({}, { additionalProperties: false })
  const many = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`k${i}`, i]))
  expect(check(closed, many)).toHaveLength(20)
})

it('D-TYPE-10 no schema and no params, whatever they are, break the check', () => {
  const seed = Date.now() % 2 ** 32
  console.log(`seed ${seed}`)
  const next = random(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T
  const names = [...hostile, 'a', 'b']
  const value = (depth: number): unknown => {
    if (depth > 0 && next() < 0.2) return Array.from({ length: 3 }, () => value(depth - 1))
    if (depth > 0 && next() < 0.3)
      return Object.fromEntries([1, 2].map(() => [pick(names), value(depth - 1)]))
    return pick([null, true, 0, -1, 1.5, 1e300, '', 'a', 'object', 'integer', 'array', 'string', [], {}])
  }
  const schema = (depth: number): object => {
    const type = pick(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'])
    const extra =
      next() < 0.5 ? {} : { [pick([...keywords.keys(), ...hostile, '$ref', 'pattern'])]: value(1) }
    if (type === 'object' && depth > 0) {
      const properties = Object.fromEntries([1, 2, 3].map(() => [pick(names), schema(depth - 1)]))
      return { type, properties, required: Object.keys(properties).slice(next() * 3), ...extra }
    }
    return type === 'array' && depth > 0 ? { type, items: schema(depth - 1), ...extra } : { type, ...extra }
  }
  let accepted = 0
  for (let i = 0; i < 2_000; i++) {
    const candidate = { ...schema(3), type: 'object' } as ParamsSchema
    if (faults(candidate).length > 0) continue
    accepted++
    const compiled = compileParamsSchema(candidate)
    for (let n = 0; n < 5; n++)
      for (const { message } of compiled.faults(value(4), 'p')) expect(message).not.toBe('')
  }
  expect(accepted).toBeGreaterThan(100)
})
