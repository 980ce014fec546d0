import type { Device } from '@telltale/api/contract'
import { describe, expect, it } from 'vitest'
import { presenceWords, reasonWords } from './words.ts'

const now = new Date(2026, 10, 22, 14, 0, 0).getTime()

function device(presence: Partial<Device['presence']>, rest: Partial<Device> = {}): Device {
  return {
    id: 'kitchen',
    name: 'Kitchen',
    type: null,
    tags: [],
    createdAt: new Date(now - 20 * 60_000).toISOString(),
    disabledAt: null,
    presence: { status: 'online', since: null, reason: null, seenAt: null, ...presence },
    ...rest,
  }
}

describe('presenceWords', () => {
  it('says since when a device is online', () => {
    const words = presenceWords(device({ since: now - 7_440_000 }), now)
    expect(words).toMatchObject({ shape: 'online', state: 'Online', note: '2 h 4 min' })
  })

  it('counts silence from the last message, not from the connection', () => {
    const words = presenceWords(device({ status: 'silent', since: now - 9e6, seenAt: now - 372_000 }), now)
    expect(words).toMatchObject({ shape: 'silent', note: 'for 6 min 12 s' })
  })

  it('says when and why a device went', () => {
    const words = presenceWords(
      device({ status: 'offline', since: now - 60_000, reason: 'keep_alive_lost' }),
      now,
    )
    expect(words.note).toBe('13:59, keep-alive lost')
  })

  it('a disabled device is nothing else', () => {
    const words = presenceWords(device({}, { disabledAt: new Date(now).toISOString() }), now)
    expect(words.shape).toBe('disabled')
  })

  it('a device never seen says how long it has existed', () => {
    expect(presenceWords(device({ status: 'never' }), now).note).toBe('added 20 min ago')
  })
})

it('reasonWords leaves words alone', () => {
  expect(reasonWords('signed off by the operator')).toBe('signed off by the operator')
})
