import { expect, it } from 'vitest'
import { blocksOf, newsOf, newsWords } from './order.ts'

it('news are who came and who went, and from where on rows would move', () => {
  expect(newsOf(['a', 'b'], ['a', 'b', 'c'])).toEqual({ added: 1, gone: 0, firstMoved: 2 })
  expect(newsOf(['a', 'c'], ['a', 'b', 'c'])).toEqual({ added: 1, gone: 0, firstMoved: 1 })
  expect(newsOf(['a', 'b', 'c'], ['b', 'd'])).toEqual({ added: 1, gone: 2, firstMoved: 0 })
  expect(newsWords({ added: 2, gone: 1, firstMoved: 0 })).toBe('2 more match, 1 no longer')
})

it('rows are read in whole blocks, the last one as far as there are rows', () => {
  const ids = Array.from({ length: 60 }, (_, n) => `d${n}`)
  const blocks = blocksOf(ids, { first: 24, last: 55 })
  expect(blocks.map((block) => [block[0], block.length])).toEqual([
    ['d0', 25],
    ['d25', 25],
    ['d50', 10],
  ])
  expect(blocksOf([], { first: 0, last: 0 })).toEqual([])
})
