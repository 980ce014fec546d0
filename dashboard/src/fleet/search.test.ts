import { describe, expect, it } from 'vitest'
import { readFleetSearch, readTyped } from './search.ts'

describe('readFleetSearch', () => {
  it('keeps what it knows and drops the rest', () => {
    expect(readFleetSearch({ q: 'pump', status: 'offline', tag: 'almere', page: 3 })).toEqual({
      q: 'pump',
      status: 'offline',
      tag: 'almere',
    })
    expect(readFleetSearch({ status: 'broken', q: '' })).toEqual({})
    expect(readFleetSearch({ q: 42 })).toEqual({ q: '42' })
  })
})

describe('readTyped', () => {
  it('finds tag: and status: among words', () => {
    expect(readTyped('tag:almere cold status:offline room')).toEqual({
      words: 'cold room',
      status: 'offline',
      tag: 'almere',
    })
  })

  it('leaves a half typed status as a word', () => {
    expect(readTyped('status:off')).toEqual({ words: 'status:off' })
    expect(readTyped('tag:')).toEqual({ words: 'tag:' })
  })
})
