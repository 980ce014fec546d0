import { describe, expect, it } from 'vitest'
import { arcPath, gaugeScale, placeOn, zonesOf } from './gauge.ts'

const silent = { min: undefined, max: undefined, unit: '', thresholds: [] }

describe('gauge', () => {
  it('U-BOARDGAUGE-1 its scale is as asked for, else as the type says, else round numbers', () => {
    expect(gaugeScale({ min: 5 }, { ...silent, min: 0, max: 40 }, 20)).toEqual({ min: 5, max: 40 })
    expect(gaugeScale({}, { ...silent, unit: '%' }, 3)).toEqual({ min: 0, max: 100 })
    expect(gaugeScale({}, silent, 37)).toEqual({ min: 0, max: 50 })
    expect(gaugeScale({}, silent, -137)).toEqual({ min: -200, max: 200 })
    const thresholds = [{ above: 90, level: 'alarm' as const }]
    expect(gaugeScale({}, { ...silent, thresholds }, 3), 'thresholds have room').toEqual({ min: 0, max: 100 })
    expect(gaugeScale({}, silent, 19.6), 'so has the value').toEqual({ min: 0, max: 50 })
    expect(gaugeScale({}, silent, null)).toEqual({ min: 0, max: 1 })
    expect(gaugeScale({ min: 9 }, silent, 5).max, 'never empty').toBeGreaterThan(9)
  })

  it('U-BOARDGAUGE-2 a value beyond the scale stands at its end and says so', () => {
    const scale = { min: -10, max: 10 }
    expect(placeOn(scale, 0)).toEqual({ share: 0.5, beyond: null })
    expect(placeOn(scale, 99)).toEqual({ share: 1, beyond: 'above' })
    expect(placeOn(scale, -99)).toEqual({ share: 0, beyond: 'below' })
    expect(placeOn({ min: -1e308, max: 1e308 }, 1e308).share).toBe(1)
    for (const value of [1e300, -0, 5e-324])
      expect(Number.isFinite(placeOn(gaugeScale({}, silent, value), value).share)).toBe(true)
  })

  it('U-BOARDGAUGE-3 thresholds are stretches of the scale; alarms lie on top of warnings', () => {
    const zones = zonesOf({ min: 0, max: 100 }, [
      { above: 90, level: 'alarm' },
      { above: 80, level: 'warning' },
      { below: -5, level: 'alarm' },
    ])
    expect(zones).toEqual([
      { from: 0.8, to: 1, level: 'warning' },
      { from: 0.9, to: 1, level: 'alarm' },
    ])
    expect(arcPath(0, 1, { at: { x: 50, y: 50 }, radius: 40 })).toBe('M15.36 70A40 40 0 1 1 84.64 70')
  })
})
