import type { DeviceType } from '@telltale/api/contract'
import { describe, expect, it } from 'vitest'
import { formatLook, metricLook, troubleOf } from './look.ts'

const type: DeviceType = {
  ...{ name: 'cold-room', label: null, commands: {}, devices: 0, updatedAt: '', updatedBy: '' },
  metrics: {
    temperature: {
      ...{ label: 'Air', unit: '°C', decimals: 1 },
      thresholds: [
        { above: -17, level: 'warning' },
        { above: -15, below: -30, level: 'alarm' },
      ],
    },
  },
}
const look = metricLook(type, 'temperature')

describe('how a metric is shown', () => {
  it('D-TYPELOOK-1: as its type says, or by its own name', () => {
    expect(look).toMatchObject({ label: 'Air', unit: '°C' })
    expect(metricLook(type, 'co2')).toMatchObject({ label: 'CO₂', unit: '' })
    expect(metricLook(null, 'toString')).toMatchObject({ label: 'To string', unit: '' })
    expect(metricLook(type, 'toString').unit).toBe('')
  })

  it('D-TYPELOOK-1: with as many decimals', () => {
    expect([formatLook(-18, look), formatLook(1234.56, look), formatLook('open', look)]).toEqual([
      ...['−18.0', '1,234.6', 'open'],
    ])
    expect(formatLook(-18, { decimals: undefined })).toBe('−18')
    // No wall of digits, and no sign before nothing.
    expect([
      formatLook(1e300, look),
      formatLook(-0, look),
      formatLook(-0.01, look),
      formatLook(5e-324, look),
    ]).toEqual([...['1.000e+300', '0.0', '0.0', '0.0']])
  })

  it('D-TYPELOOK-1: true and false are read as yes and no', () => {
    expect([formatLook(true, look), formatLook(false, look), formatLook('false', look)]).toEqual([
      ...['yes', 'no', 'false'],
    ])
  })

  it('D-TYPELOOK-2: a value beyond a threshold says which, the worst one first', () => {
    expect(troubleOf(-16, look)).toMatchObject({ level: 'warning', words: 'above −17 °C' })
    expect(troubleOf(-14, look)).toMatchObject({ level: 'alarm', words: 'above −15 °C' })
    expect(troubleOf(-31, look)).toMatchObject({ level: 'alarm', words: 'below −30 °C' })
    expect([troubleOf(-17, look), troubleOf('open', look)]).toEqual([null, null])
  })
})
