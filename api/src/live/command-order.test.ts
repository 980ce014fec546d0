import { expect, it } from 'vitest'
import type { Command } from '../contract/index.ts'
import { CommandOrder } from './command-order.ts'

const at = '2026-11-22T14:00:00.000Z'
const command = (change: Partial<Command> = {}): Command => ({
  ...{ id: '00000000-0000-4000-8000-000000000001', deviceId: 'bay', name: 'x', params: {}, status: 'queued' },
  ...{ ttlMs: 30_000, createdBy: 'admin', createdAt: at, expiresAt: at, sentAt: null, deliveredAt: null },
  ...{ acceptedAt: null, replyDueAt: null, finishedAt: null, progress: null, result: null, error: null },
  ...change,
})

it('C-ECHO-1 the newest record again is not told again, an older one never', () => {
  const order = new CommandOrder()
  const sent = command({ status: 'sent', sentAt: at })
  const told = [command(), command(), sent, command(), sent].map((one) => order.isForward(one))
  expect(told).toEqual([true, false, true, false, false])
})

it('C-ECHO-2 the same status with something else in it is told', () => {
  const order = new CommandOrder()
  const progress = [10, 20, 20, 30].map((percent) => command({ status: 'accepted', progress: percent }))
  expect(progress.map((one) => order.isForward(one))).toEqual([true, true, false, true])
})

it('C-ECHO-3 a record that was delivered is not told again without the time of it', () => {
  const order = new CommandOrder()
  const over = command({ status: 'succeeded', finishedAt: at })
  const told = [over, command({ ...over, deliveredAt: at }), over].map((one) => order.isForward(one))
  expect(told).toEqual([true, true, false])
})
