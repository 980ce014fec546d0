import { describe, expect, it } from 'vitest'
import { gridOf, indexAt, placeOf } from './lamps.ts'

describe('the lamp panel', () => {
  it('has large lamps for a few, and room for ten thousand on a hand of pixels', () => {
    expect(gridOf(60, 1_100)).toMatchObject({ pitch: 12, rows: 3 })
    expect(gridOf(1_284, 1_128)).toMatchObject({ pitch: 7, rows: 8 })
    for (const count of [100, 400, 401, 3_000, 10_000, 20_000]) {
      const { height, pitch, rows, width } = gridOf(count, 1_100)
      expect(height, `${count}`).toBeLessThanOrEqual(count > 10_000 ? 170 : 150)
      expect(Math.ceil(count / rows) * pitch).toBeLessThanOrEqual(width)
    }
  })

  it('takes no room where it is hidden, or not laid out yet', () => {
    expect(gridOf(10_000, 0)).toMatchObject({ height: 0, count: 0 })
    expect(indexAt(0, 0, gridOf(10_000, 0))).toBe(-1)
  })

  it('what is pointed at is what is drawn there', () => {
    const grid = gridOf(1_000, 800)
    for (const index of [0, 1, 7, 500, 999]) {
      const { x, y } = placeOf(index, grid)
      expect(indexAt(x, y, grid)).toBe(index)
      expect(indexAt(x + grid.pitch / 2 - 0.1, y - grid.pitch / 2, grid)).toBe(index)
    }
    expect(indexAt(-1, 3, grid)).toBe(-1)
    expect(indexAt(799, grid.height - 1, grid)).toBe(-1)
    expect(indexAt(3, grid.height, grid)).toBe(-1)
  })
})
