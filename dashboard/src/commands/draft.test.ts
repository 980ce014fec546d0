import { describe, expect, it } from 'vitest'
import { choose, draftField, newDraft, readDraft, withField } from './draft.ts'
import type { Field } from './schema.ts'

const commands = {
  'set-level': {
    params: {
      type: 'object',
      required: ['level'],
      properties: { level: { type: 'integer', maximum: 100 }, fast: { type: 'boolean', default: false } },
    },
  },
  reboot: { dangerous: true },
}
const chosen = choose({ kind: 'named', name: 'set-level' }, commands)
const root = draftField(chosen, commands) as Field

describe('a command being written', () => {
  it('C-FORM-7: nothing is chosen by itself, unless there is only one', () => {
    expect(newDraft(commands).choice).toEqual({ kind: 'none' })
    expect(newDraft({ reboot: {} }).choice).toEqual({ kind: 'named', name: 'reboot' })
    expect(newDraft({}).choice).toEqual({ kind: 'other', name: '' })
  })

  it('C-FORM-8: form and JSON are one text', () => {
    expect(chosen.text).toBe('{\n  "fast": false\n}')
    const changed = withField(chosen, ['level'], { root, value: 40 })
    expect(JSON.parse(changed.text)).toEqual({ fast: false, level: 40 })
    const byHand = { ...changed, text: '{"level":41,"more":1}' }
    expect(readDraft(byHand, commands).params).toEqual({ level: 41, more: 1 })
    expect(JSON.parse(withField(byHand, ['level'], { root, value: 42 }).text)).toEqual({ level: 42, more: 1 })
  })

  it('C-FORM-9: complains about a field once it was changed, about all of them when Send is pressed', () => {
    expect(readDraft(chosen, commands)).toMatchObject({ shown: [], errors: [{ at: '/level' }] })
    const changed = withField(chosen, ['level'], { root, value: 101 })
    expect(readDraft(changed, commands).shown).toEqual([{ at: '/level', message: 'At most 100.' }])
    expect(readDraft({ ...chosen, pressed: true }, commands).shown).toHaveLength(1)
  })

  it('says where the JSON breaks', () => {
    expect(readDraft({ ...chosen, text: '{' }, commands)).toMatchObject({
      jsonError: 'Not JSON at line 1, column 2.',
      errors: [],
    })
  })

  it('a command without a schema takes any JSON', () => {
    const draft = { ...choose({ kind: 'other', name: ' set-led ' }, commands), text: '[1]' }
    expect(draftField(draft, commands)).toBeNull()
    expect(readDraft(draft, commands)).toMatchObject({ name: 'set-led', params: [1], errors: [] })
    expect(choose({ kind: 'named', name: 'toString' }, commands).text).toBe('')
  })
})
