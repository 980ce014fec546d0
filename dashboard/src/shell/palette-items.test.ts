import { describe, expect, it } from 'vitest'
import { matches, step, tagsFor } from './palette-items.ts'

describe('the palette', () => {
  it.each([
    ['dev typ', true],
    ['TYPES', true],
    ['colours', true],
    ['typesx', false],
  ])('O-PALETTE-1 "%s" finds the page by any of its words: %s', (typed, found) => {
    expect(matches({ label: 'Device types', words: 'colours' }, typed)).toBe(found)
  })

  it('O-PALETTE-2 tags are those of what was found, or the one that was typed out', () => {
    const devices = [{ tags: ['cold-chain', 'north'] }, { tags: ['cold-chain', 'Coldest'] }]
    expect(tagsFor('cold', devices)).toEqual(['cold-chain', 'Coldest'])
    expect(tagsFor('tag:venlo', devices)).toEqual(['venlo'])
    expect(tagsFor('', devices)).toEqual([])
  })

  it('O-PALETTE-3 arrows go round, from the first when nothing was chosen or the chosen one is gone', () => {
    const ids = ['a', 'b', 'c']
    expect([step(ids, null, 1), step(ids, 'a', -1), step(ids, 'c', 1), step(ids, 'gone', 1)]).toEqual([
      'b',
      'c',
      'a',
      'b',
    ])
    expect(step([], null, 1)).toBeNull()
  })
})
