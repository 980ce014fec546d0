import { expect, it } from 'vitest'
import { isSameSearch, parseViews, withView } from './views.ts'

it('what is not a view is dropped', () => {
  expect(parseViews(null)).toEqual([])
  expect(parseViews('{"a":')).toEqual([])
  expect(parseViews('{"name":"a"}')).toEqual([])
  const stored = [{ name: 'Away', search: { status: 'offline', x: 1 } }, { name: 3 }, null, { name: 'a' }]
  expect(parseViews(JSON.stringify(stored))).toEqual([{ name: 'Away', search: { status: 'offline' } }])
})

it('views are in order of name, and a name is there once', () => {
  const views = withView(withView([], { name: 'b', search: {} }), { name: 'a', search: {} })
  expect(withView(views, { name: 'b', search: { q: 'x' } })).toEqual([
    { name: 'a', search: {} },
    { name: 'b', search: { q: 'x' } },
  ])
})

it('two searches are the same when they say the same', () => {
  expect(isSameSearch({ q: 'x', tag: 'a' }, { tag: 'a', q: 'x' })).toBe(true)
  expect(isSameSearch({ tag: 'a' }, { tag: 'b' })).toBe(false)
})
