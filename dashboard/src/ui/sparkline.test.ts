import { describe, expect, it } from 'vitest'
import { sparkShape } from './sparkline.ts'

const box = { width: 65, height: 26, from: 0, to: 100 }

describe('sparkShape', () => {
  it('has nothing to draw without points', () => {
    expect(sparkShape([], box)).toBeNull()
  })

  it('uses the whole height for a real change', () => {
    const shape = sparkShape(
      [
        { t: 0, value: 0 },
        { t: 100, value: 10 },
      ],
      box,
    )
    expect(shape?.line).toBe('M2 23L62 3')
    expect(shape?.end).toEqual({ x: 62, y: 3 })
  })

  it('never zooms into noise', () => {
    const shape = sparkShape(
      [
        { t: 0, value: 100 },
        { t: 100, value: 100.1 },
      ],
      box,
    )
    const heights = [...(shape?.line.matchAll(/ ([\d.]+)/g) ?? [])].map((match) => Number(match[1]))
    expect(Math.abs((heights[0] ?? 0) - (heights[1] ?? 0))).toBeLessThan(1)
  })
})
