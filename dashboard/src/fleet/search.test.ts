import { describe, expect, it } from 'vitest'
import { changeSearch, readFleetSearch, readTyped, searchWords, toggleTag } from './search.ts'

describe('readFleetSearch', () => {
  it('keeps what it knows and drops the rest', () => {
    const search = { q: 'pump', status: 'offline', tag: 'almere', type: 'oven' }
    expect(readFleetSearch({ ...search, page: 3 })).toEqual(search)
    expect(readFleetSearch({ status: 'broken', q: '' })).toEqual({})
    expect(readFleetSearch({ q: 42 })).toEqual({ q: '42' })
    expect(readFleetSearch({ tag: 'a,,b,a:b,a' })).toEqual({ tag: 'a,b' })
  })
})

describe('readTyped', () => {
  it('finds conditions among words', () => {
    expect(readTyped('tag:almere cold status:offline type:oven room tag:b ', false)).toEqual({
      ...{ words: 'cold room', rest: '', status: 'offline', tags: ['almere', 'b'], type: 'oven' },
    })
  })

  it('leaves what is still being typed alone', () => {
    expect(readTyped('pump tag:al', false)).toEqual({ words: 'pump', rest: 'tag:al', tags: [] })
    expect(readTyped('pump tag:al', true)).toEqual({ words: 'pump', rest: '', tags: ['al'] })
  })

  it('takes what is no condition for a word', () => {
    expect(readTyped('status:off a:b', true)).toEqual({ words: 'status:off a:b', rest: '', tags: [] })
    expect(readTyped('tag:', true)).toEqual({ words: 'tag:', rest: '', tags: [] })
  })
})

it('a tag is added to those that are there, and taken away by the same press', () => {
  expect(toggleTag({}, 'a')).toBe('a')
  expect(toggleTag({ tag: 'a' }, 'b')).toBe('a,b')
  expect(toggleTag({ tag: 'a,b' }, 'a')).toBe('b')
  expect(toggleTag({ tag: 'a' }, 'a')).toBeUndefined()
})

it('what is taken away leaves no trace in the address', () => {
  expect(changeSearch({ q: 'x', status: 'online' }, { status: undefined })).toEqual({ q: 'x' })
  expect(changeSearch({ q: 'x' }, { q: '' })).toEqual({})
})

it('a search is said as it is typed', () => {
  const search = { q: 'bay 1', tag: 'a,b', status: 'online' } as const
  expect(searchWords(search)).toBe('status:online tag:a tag:b bay 1')
  const { words, status, tags } = readTyped(searchWords(search), true)
  expect({ q: words, status, tag: tags.join(',') }).toEqual(search)
})
