import { limits } from '@telltale/infra/limits'
import { expect, it } from 'vitest'
import type { DeviceSession } from './presence.ts'
import type { Change } from './presence-changes.ts'
import { PresenceQueue } from './presence-queue.ts'
import { StampClock } from './telemetry.ts'

const { endedMax } = limits.presence

let count = 0
function session(epoch?: number): DeviceSession {
  const clock = new StampClock()
  const base = { deviceId: `d${++count}`, clientId: 'c', address: null, connectedAt: new Date(), clock }
  return epoch === undefined ? base : { ...base, epoch }
}
const open = (of: DeviceSession): Change => ({ kind: 'open', session: of })
const close = (of: DeviceSession): Change => ({
  ...{ kind: 'close', session: of },
  ...{ at: new Date(), reason: 'connection_lost' },
})

it('R-AWAY-16 connections that flap for an hour while nothing can be written take bounded memory', () => {
  const queue = new PresenceQueue()
  const before = session(1)
  const live = session()
  const told: DeviceSession[] = []
  queue.push(open(live))
  queue.push(close(before))
  const underWay = session()
  queue.push(open(underWay))
  // The write of these hangs; one of them ends meanwhile.
  expect(queue.take(3)).toHaveLength(3)
  queue.push(close(underWay))
  for (let n = 0; n < 2 * endedMax; n++) {
    const flapping = session()
    queue.push(open(flapping))
    if (n === 0) {
      const written = new Set([() => told.push(flapping)])
      queue.push({ kind: 'report', session: flapping, status: 'online', at: new Date(), written })
    }
    for (const lost of queue.push(close(flapping)))
      if (lost.kind === 'report') for (const tell of lost.written) tell()
    if (n % 1_000 === 0) expect(queue.length).toBeLessThanOrEqual(2 * endedMax + 5)
  }
  expect(told).toHaveLength(1)
  queue.settle()
  const rest = queue.take(Number.MAX_SAFE_INTEGER)
  // What is on record keeps its end, whatever is dropped; of the others the newest are kept, each whole.
  expect(rest[0]).toMatchObject({ kind: 'close', session: underWay })
  const opened = rest.filter(({ kind }) => kind === 'open').map((change) => change.session)
  const closed = rest.slice(1).map((change) => change.session)
  expect(new Set(opened)).toEqual(new Set(closed))
  expect(opened.length).toBeLessThanOrEqual(endedMax)
  expect(opened.length).toBeGreaterThanOrEqual(endedMax * 0.8)
  expect(queue.takeDropped()).toBe(2 * endedMax - opened.length)
  expect(queue.takeDropped()).toBe(0)
})
