import { describe, expect, it } from 'vitest'
import { countSelected, extend, isSelected, nothing, type Selection, toggle } from './selection.ts'

const order = ['a', 'b', 'c', 'd', 'e']
const all: Selection = { kind: 'all', anchor: null }

function idsOf(selection: Selection): string[] {
  return order.filter((id) => isSelected(selection, id))
}

describe('selecting rows', () => {
  it('a press takes one in, the next one out', () => {
    const one = toggle(nothing, 'b', order)
    expect(idsOf(one)).toEqual(['b'])
    expect(idsOf(toggle(one, 'b', order))).toEqual([])
  })

  it('with shift everything between is as the last one pressed, in both directions', () => {
    const down = extend(toggle(nothing, 'b', order), 'd', order)
    expect(idsOf(down)).toEqual(['b', 'c', 'd'])
    expect(idsOf(extend(down, 'a', order))).toEqual(['a', 'b', 'c', 'd'])
    const without = extend(toggle(down, 'c', order), 'd', order)
    expect(idsOf(without)).toEqual(['b'])
  })

  it('with shift and nothing pressed before, or something that is gone, it is a press', () => {
    expect(idsOf(extend(nothing, 'c', order))).toEqual(['c'])
    expect(idsOf(extend({ kind: 'some', ids: new Set(), anchor: 'gone' }, 'c', order))).toEqual(['c'])
  })

  it('all is whatever the filter matches; taking one out names the others', () => {
    expect(countSelected(all, 412)).toBe(412)
    const others = toggle(all, 'c', order)
    expect(idsOf(others)).toEqual(['a', 'b', 'd', 'e'])
    expect(countSelected(others, 412)).toBe(4)
  })
})
