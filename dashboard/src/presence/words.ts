import type { Device } from '@telltale/api/contract'
import { formatClockShort, formatDuration, formatMoment, isSameDay } from '../ui/format.ts'

export type PresenceWords = {
  shape: 'online' | 'silent' | 'offline' | 'never' | 'disabled'
  state: string
  /** Since when and why. */
  note: string
  tone: 'ink-2' | 'ink-warn' | 'ink-bad' | 'ink-off'
}

export function presenceWords(device: Device, nowMs: number): PresenceWords {
  const { status, since, reason, seenAt } = device.presence
  if (device.disabledAt !== null) {
    return {
      shape: 'disabled',
      state: 'Disabled',
      note: `since ${formatMoment(Date.parse(device.disabledAt), nowMs)}`,
      tone: 'ink-off',
    }
  }
  switch (status) {
    case 'online':
      return {
        shape: 'online',
        state: 'Online',
        note: since === null ? '' : formatDuration(nowMs - since),
        tone: 'ink-2',
      }
    case 'silent':
      return {
        shape: 'silent',
        state: 'Silent',
        note: seenAt === null ? 'nothing published yet' : `for ${formatDuration(nowMs - seenAt)}`,
        tone: 'ink-warn',
      }
    case 'offline':
      return { shape: 'offline', state: 'Offline', note: offlineNote(since, reason, nowMs), tone: 'ink-bad' }
    case 'never':
      return {
        shape: 'never',
        state: 'Never seen',
        note: `added ${formatDuration(nowMs - Date.parse(device.createdAt))} ago`,
        tone: 'ink-off',
      }
  }
}

function offlineNote(since: number | null, reason: string | null, nowMs: number): string {
  const isToday = since !== null && isSameDay(since, nowMs)
  const when = since === null ? '' : isToday ? formatClockShort(since) : formatMoment(since, nowMs)
  return [when, reason === null ? '' : reasonWords(reason)].filter(Boolean).join(', ')
}

const reasons: Record<string, string> = {
  disconnected: 'signed off',
  connection_lost: 'connection lost',
  keep_alive_lost: 'keep-alive lost',
  taken_over: 'another connection took over',
  said_online: 'said so itself',
  said_offline: 'said so itself',
  revoked: 'its secret was revoked',
  protocol_error: 'broke the MQTT protocol',
  broker_stopped: 'the broker was stopped',
  broker_lost: 'the broker was lost',
}

/** A code the broker may send becomes words; words stay words. */
export function reasonWords(reason: string): string {
  return reasons[reason] ?? reason.replaceAll('_', ' ')
}
