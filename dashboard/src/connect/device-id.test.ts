import { describe, expect, it } from 'vitest'
import { idError, suggestId } from './device-id.ts'

describe('suggestId', () => {
  it.each([
    ['Bay 7 climate', 'bay-7-climate'],
    ['Kühlraum №3 (Süd)', 'kuhlraum-no3-sud'],
    ['  .hidden. ', 'hidden'],
    ['温度', ''],
  ])('%s becomes %s', (name, id) => {
    expect(suggestId(name)).toBe(id)
  })
})

describe('idError', () => {
  it('accepts what a topic can carry', () => {
    expect([idError('bay-07'), idError('a.b_c'), idError('')]).toEqual([null, null, null])
  })

  it('says in words what is wrong', () => {
    expect(idError('.bay')).toContain('dot')
    expect(idError('bay/07')).toContain('topic')
    expect(idError('x'.repeat(65))).toContain('64')
  })
})
