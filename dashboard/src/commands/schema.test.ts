import { describe, expect, it } from 'vitest'
import { readField } from './schema.ts'

const kinds = (schema: unknown) => {
  const field = readField(schema)
  return field.kind === 'group'
    ? Object.fromEntries(field.fields.map((one) => [one.key, one.kind]))
    : field.kind
}

describe('readField', () => {
  it('C-FORM-1: a schema becomes a tree of fields', () => {
    const schema = {
      type: 'object',
      required: ['level'],
      properties: {
        on: { type: 'boolean' },
        level: { type: 'integer', minimum: 0, maximum: 100, multipleOf: 5, title: 'Level', default: 50 },
        name: { type: 'string', maxLength: 20 },
        mode: { enum: ['auto', 'manual', 3] },
        speed: { oneOf: [{ const: 1, title: 'Slow' }, { const: 2 }] },
        at: { type: 'object', properties: { hour: { type: 'number' } } },
        zones: { type: 'array', items: { type: 'string' }, maxItems: 4 },
      },
      additionalProperties: false,
    }
    expect(kinds(schema)).toEqual({
      ...{ on: 'boolean', level: 'number', name: 'text', mode: 'choice' },
      ...{ speed: 'choice', at: 'group', zones: 'list' },
    })
    const field = readField(schema)
    expect(field).toMatchObject({ kind: 'group', closed: true, required: true })
    const [on, level, , , speed] = field.kind === 'group' ? field.fields : []
    expect(on).toMatchObject({ label: 'on', required: false })
    expect(level).toMatchObject({
      ...{ label: 'Level', required: true, initial: 50 },
      ...{ integer: true, min: 0, max: 100, step: 5 },
    })
    expect(speed).toMatchObject({
      options: [
        { value: 1, label: 'Slow' },
        { value: 2, label: '2' },
      ],
    })
  })

  it.each([
    ['a reference', { $ref: '#/a' }],
    ['one of several shapes', { oneOf: [{ type: 'string' }, { type: 'number' }] }],
    ['several types', { type: ['string', 'null'] }],
    ['nothing said', {}],
    ['anything', true],
    ['no schema', 'object'],
    ['a list of objects', { type: 'array', items: { type: 'object' } }],
    ['a pattern', { type: 'string', pattern: '^a' }],
    ['a condition', { type: 'object', properties: { a: { type: 'string' } }, if: {} }],
  ])('C-FORM-2: %s is left to JSON, never drawn wrong', (_, schema) => {
    expect(kinds(schema)).toBe('json')
  })

  it('C-FORM-2: neither are objects of anything, and ladders of objects', () => {
    expect(kinds({ type: 'object', properties: { any: { type: 'object' } } })).toEqual({ any: 'json' })
    let schema: unknown = { type: 'boolean' }
    for (let depth = 0; depth < 40; depth += 1) schema = { type: 'object', properties: { in: schema } }
    expect(JSON.stringify(readField(schema)).length).toBeLessThan(2_000)
  })
})
