import type { Device, LiveEvent } from '@telltale/api/contract'
import { useState } from 'react'
import { reasonWords } from '../presence/words.ts'
import type { LampShape, LampTone } from '../ui/lamp.tsx'
import { useLive, useLiveEvents } from '../use-live.ts'

const heardMax = 6

export type Heard = {
  key: number | string
  kind: 'connected' | 'disconnected' | 'rejected' | 'problem'
  at: number
  shape: LampShape
  tone: LampTone
  title: string
  detail: string
}

type Values = Extract<LiveEvent, { type: 'reading' }>['data']['values']

/** Everything the platform says about this device while somebody waits for its first message. */
export function useHeard(device: Device) {
  const live = useLive()
  const [openedAt] = useState(() => live.serverNow())
  const [heard, setHeard] = useState<Heard[]>(() => alreadyConnected(device))
  const [firstReading, setFirstReading] = useState<Values | null>(null)
  useLiveEvents((event) => {
    if (!('deviceId' in event.data) || event.data.deviceId !== device.id) return
    if (event.type === 'reading') setFirstReading((first) => first ?? event.data.values)
    const item = hear(event)
    if (item !== null)
      setHeard((old) => [{ ...item, key: Number(old[0]?.key ?? 0) + 1 }, ...old].slice(0, heardMax))
  })
  return { heard, openedAt, firstReading }
}

function alreadyConnected(device: Device): Heard[] {
  const { status, since } = device.presence
  if ((status !== 'online' && status !== 'silent') || since === null) return []
  return [{ ...connected(since), key: 0 }]
}

function connected(at: number): Omit<Heard, 'key'> {
  return {
    kind: 'connected',
    at,
    shape: 'online',
    tone: 'ok',
    title: 'Connected',
    detail: 'The user name and the secret are right.',
  }
}

function hear(event: LiveEvent): Omit<Heard, 'key'> | null {
  if (event.type === 'presence') {
    const { status, since, reason } = event.data
    if (status === 'online') return connected(since)
    const detail = `${reasonWords(reason)}.`
    return { kind: 'disconnected', at: since, shape: 'offline', tone: 'off', title: 'Disconnected', detail }
  }
  if (event.type === 'rejected') {
    const { receivedAt, topic, reason } = event.data
    const detail = `${reason}. It came on ${topic}.`
    return {
      kind: 'rejected',
      at: receivedAt,
      shape: 'fail',
      tone: 'warn',
      title: 'Message rejected',
      detail,
    }
  }
  return null
}
