import type { Device, DeviceType, Latest } from '@telltale/api/contract'
import { presenceWords } from '../presence/words.ts'
import { formatLook, metricLook, troubleOf } from '../types/look.ts'
import { formatAge } from '../ui/format.ts'
import type { LampShape } from '../ui/lamp.tsx'

export type Face = {
  shape: LampShape
  /** For ears: the lamp in words. */
  state: string
  /** The first value, or for how long there has been none. */
  end: string
}

type Known = { device: Device; values: Latest['values'] | undefined; type: DeviceType | undefined }

/** A device in one short line: its lamp, and what it says first. What is in alarm goes before what is first. */
export function faceOf({ device, values = {}, type }: Known, now: number): Face {
  const { shape, state } = presenceWords(device, now)
  const { seenAt, since } = device.presence
  if (shape === 'silent' && seenAt !== null) return { shape, state, end: formatAge(now - seenAt) }
  if (shape === 'offline' && since !== null) return { shape, state, end: formatAge(now - since) }
  if (shape !== 'online') return { shape, state, end: '' }
  const metrics = Object.entries(values)
  const inAlarm = metrics.find(([metric, { value }]) => {
    return troubleOf(value, metricLook(type, metric))?.level === 'alarm'
  })
  const [metric, shown] = inAlarm ?? metrics[0] ?? []
  const end = metric === undefined || shown === undefined ? '' : valueWords(type, metric, shown.value)
  return inAlarm === undefined ? { shape, state, end } : { shape: 'alarm', state: 'Alarm', end }
}

function valueWords(type: DeviceType | undefined, metric: string, value: Latest['values'][string]['value']) {
  const look = metricLook(type, metric)
  return look.unit === '' ? formatLook(value, look) : `${formatLook(value, look)} ${look.unit}`
}
