import type { Panel } from '@telltale/api/contract'
import { describe, expect, it } from 'vitest'
import {
  type Arrow,
  type Box,
  duplicatePanel,
  heighten,
  movePanel,
  placeBeside,
  removePanel,
  widen,
  widthAt,
} from './layout.ts'

const tile = (id: string): Panel => ({
  ...{ kind: 'tile', id, deviceId: 'd', metric: 'm', width: 3, height: 'small' },
})
const panels = ['a', 'b', 'c', 'd'].map(tile)
const ids = (some: readonly Panel[]) => some.map(({ id }) => id).join('')

describe('movePanel', () => {
  it('U-BOARDLAYOUT-1 a panel takes the place it is moved to, and the others keep their order', () => {
    expect(ids(movePanel(panels, 0, 2))).toBe('bcad')
    expect(ids(movePanel(panels, 3, 0))).toBe('dabc')
    expect(ids(movePanel(panels, 1, 1))).toBe('abcd')
    expect(ids(movePanel(panels, 1, 9))).toBe('abcd')
    expect(ids(movePanel(panels, 7, 0))).toBe('abcd')
  })

  it('U-BOARDLAYOUT-2 wherever panels are moved, none is lost and none is there twice', () => {
    const places = [-1, 0, 1, 2, 3, 4]
    let moved: Panel[] = panels
    for (const from of places)
      for (const to of places) {
        moved = movePanel(moved, from, to)
        expect([...ids(moved)].sort().join(''), `${from} to ${to}`).toBe('abcd')
      }
  })
})

describe('sizes', () => {
  it('U-BOARDLAYOUT-3 a panel is 1 to 12 columns wide and small, medium or large, however it is pulled', () => {
    const panel = tile('a')
    expect([widen(panel, 1).width, widen(panel, 99).width, widen(panel, -99).width]).toEqual([4, 12, 1])
    const heights = [heighten(panel, 1), heighten(panel, 9), heighten(panel, -1)].map(({ height }) => height)
    expect(heights).toEqual(['medium', 'large', 'small'])
    const gridPx = 12 * 100 + 11 * 12
    expect([100, 150, 212, 5_000, -50].map((px) => widthAt(px, gridPx, 12))).toEqual([1, 1, 2, 12, 1])
  })

  it('U-BOARDLAYOUT-4 a copy stands after its original; a full board takes none', () => {
    expect(ids(duplicatePanel(panels, 'b', 'x'))).toBe('abxcd')
    expect(ids(removePanel(panels, 'b'))).toBe('acd')
    const full = Array.from({ length: 50 }, (_, i) => tile(`p${i}`))
    expect(duplicatePanel(full, 'p1', 'x')).toHaveLength(50)
  })
})

describe('placeBeside', () => {
  // a a b b
  // c c c d
  const boxes: Box[] = [
    { left: 0, top: 0, width: 200, height: 100 },
    { left: 200, top: 0, width: 200, height: 100 },
    { left: 0, top: 112, width: 300, height: 200 },
    { left: 300, top: 112, width: 100, height: 200 },
  ]

  it('U-BOARDLAYOUT-5 arrows lead along the document, and to the nearest panel of the next row', () => {
    const go = (at: number, arrow: Arrow) => placeBeside(boxes, at, arrow)
    expect([go(0, 'ArrowRight'), go(3, 'ArrowRight'), go(0, 'ArrowLeft'), go(2, 'ArrowLeft')]).toEqual([
      1, 3, 0, 1,
    ])
    expect([go(0, 'ArrowDown'), go(1, 'ArrowDown'), go(2, 'ArrowDown')]).toEqual([2, 3, 2])
    expect([go(3, 'ArrowUp'), go(2, 'ArrowUp'), go(0, 'ArrowUp')]).toEqual([1, 0, 0])
  })
})
