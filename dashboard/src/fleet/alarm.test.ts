import { expect, it } from 'vitest'
import { metricLook } from '../types/look.ts'
import { alarmOf } from './alarm.ts'

const type = {
  ...{ name: 'room', label: null, commands: {}, devices: 1, updatedAt: '', updatedBy: '' },
  metrics: {
    heat: {
      unit: '°C',
      thresholds: [
        { above: 5, level: 'warning' as const },
        { above: 10, level: 'alarm' as const },
      ],
    },
  },
}
const time = 5 * 60_000
const value = (number: number) => [{ metric: 'heat', value: number, time, look: metricLook(type, 'heat') }]
const line = (...values: (number | null)[]) => ({
  ...{ deviceId: 'a', metric: 'heat', from: 0, stepMs: 60_000, values },
})

it('only what is called an alarm is one', () => {
  expect(alarmOf(value(6), undefined)).toBeNull()
  expect(alarmOf(value(12), undefined)).toMatchObject({ metric: 'heat', words: 'Above 10 °C' })
})

it('D-ALARMLINE-1: a row of the fleet says for how long, as far as the last hour tells', () => {
  const note = (...values: (number | null)[]) => alarmOf(value(12), line(...values))?.note(time)
  expect(note(1, 2, 12, null, 12)).toBe('alarm for 3 min')
  expect(note(11, 12, 13, 12, 12)).toBe('alarm for at least 5 min')
  expect(note(null, null)).toBe('Heat')
  // The line is up to a minute older than the value.
  expect(note(1, 1, 1, 1, 1)).toBe('Heat')
  expect(alarmOf(value(12), { ...line(1, 12), metric: 'cold' })?.note(0)).toBe('Heat')
})

it('D-ALARMLINE-1: a row claims nothing of the time before the first reading, or of a silence', () => {
  const note = (...values: (number | null)[]) => alarmOf(value(12), line(...values))?.note(time)
  expect(note(null, null, 12, 12, 12)).toBe('alarm for at least 2 min')
  expect(note(null, null, null, null, 12)).toBe('Heat')
  const silent = { ...line(12, 12, 12, 12, null, null, null, null, 12, 12), from: -5 * 60_000 }
  expect(alarmOf(value(12), silent)?.note(time)).toBe('alarm for at least 1 min')
})
