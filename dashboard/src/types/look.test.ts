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
  })

  it('D-TYPELOOK-2: a value beyond a threshold says which, the worst one first', () => {
    expect(troubleOf(-16, look)).toEqual({ level: 'warning', words: 'above −17.0 °C' })
    expect(troubleOf(-14, look)).toEqual({ level: 'alarm', words: 'above −15.0 °C' })
    expect(troubleOf(-31, look)).toEqual({ level: 'alarm', words: 'below −30.0 °C' })
    expect([troubleOf(-17, look), troubleOf('open', look)]).toEqual([null, null])
  })
})
