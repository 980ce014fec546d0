import { expect, it } from 'vitest'
import { complete, suggest } from './suggest.ts'

const facets = {
  matching: 3,
  status: { online: 2, silent: 0, offline: 1, never: 0 },
  tags: [
    { name: 'warm-almere', count: 3 },
    { name: 'almere', count: 2 },
  ],
  types: [{ name: 'pump', count: 1 }],
}
const texts = (typed: string) => suggest(typed, facets).map(({ text }) => text)

it('offers the keys, then the values of a key, best match first', () => {
  expect(texts('')).toEqual(['tag:', 'status:', 'type:'])
  expect(texts('pump ta')).toEqual(['tag:'])
  expect(texts('pump')).toEqual([])
  expect(texts('tag:alm')).toEqual(['tag:almere', 'tag:warm-almere'])
  expect(texts('status:off')).toEqual(['status:offline'])
  expect(suggest('type:', facets)).toEqual([{ text: 'type:pump', note: '1', isWhole: true }])
  expect(suggest('tag:x', undefined)).toEqual([])
})

it('a choice takes the place of the word it was offered for', () => {
  const [first] = suggest('cold tag:alm', facets)
  expect(first && complete('cold tag:alm', first)).toBe('cold tag:almere ')
  const [key] = suggest('cold t', facets)
  expect(key && complete('cold t', key)).toBe('cold tag:')
})
