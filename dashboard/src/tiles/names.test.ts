import type { DeviceType } from '@telltale/api/contract'
import { describe, expect, it } from 'vitest'
import { inOrder, matches, metricsParam } from './names.ts'

const type: DeviceType = {
  ...{ name: 'cold-room', label: null, commands: {}, devices: 0, updatedAt: '', updatedBy: '' },
  metrics: { door: {}, temperature: {} },
}

describe('the metrics of a device', () => {
  it('D-TILE-5: those its type describes come first, in its order', () => {
    expect(inOrder(['a', 'temperature', 'b', 'door'], type)).toEqual(['door', 'temperature', 'a', 'b'])
    expect(inOrder(['b', 'a'], null)).toEqual(['b', 'a'])
    expect(inOrder(['constructor'], type)).toEqual(['constructor'])
  })

  it('D-TILE-5: are asked for by name, as many as an address can carry', () => {
    expect(metricsParam(['a', 'b,c', 'd\\e'])).toBe('a,b\\,c,d\\\\e')
    expect(metricsParam([' a', ''])).toBe('')
    const many = Array.from({ length: 256 }, (_, index) => `${'м'.repeat(120)}${index}`)
    const param = metricsParam(many)
    expect(encodeURIComponent(param).length).toBeLessThan(6_500)
    expect(param.split(',').length).toBeGreaterThan(5)
  })

  it('D-TILE-5: are found by any word of their name or label', () => {
    expect(matches('temp room', 'temperature', 'Room temperature')).toBe(true)
    expect(matches('', 'anything')).toBe(true)
    expect(matches('temp hall', 'temperature', 'Room temperature')).toBe(false)
  })
})
