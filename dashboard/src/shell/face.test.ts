import type { Device, DeviceType } from '@telltale/api/contract'
import { expect, it } from 'vitest'
import { faceOf } from './face.ts'

const now = 1_000_000

function device(status: 'online' | 'silent' | 'offline' | 'never'): Device {
  const presence = {
    status,
    since: now - 7_200_000,
    reason: null,
    seenAt: status === 'never' ? null : now - 360_000,
  }
  const known = { id: 'cold', name: 'Cold', type: 'room', tags: [], disabledAt: null }
  return { ...known, createdAt: new Date(0).toISOString(), presence }
}

const type = {
  name: 'room',
  label: 'Room',
  metrics: { temperature: { unit: '°C', decimals: 1, thresholds: [{ level: 'alarm', above: -15 }] } },
  commands: {},
} as unknown as DeviceType
const values = (temperature: number) => ({
  door: { value: 'open', time: now },
  temperature: { value: temperature, time: now },
})

it('O-PINS-3 a device in one line: the first value while it is well, the one in alarm when it is not', () => {
  expect(faceOf({ device: device('online'), values: values(-19.8), type }, now)).toMatchObject({
    shape: 'online',
    end: 'open',
  })
  expect(faceOf({ device: device('online'), values: values(-13.6), type }, now)).toMatchObject({
    shape: 'alarm',
    end: '−13.6 °C',
  })
})

it.each([
  ['silent', '6 min'],
  ['offline', '2 h'],
  ['never', ''],
] as const)('O-PINS-4 a device that is %s shows for how long, not an old value', (status, end) => {
  expect(faceOf({ device: device(status), values: values(-13.6), type }, now)).toMatchObject({
    shape: status,
    end,
  })
})
