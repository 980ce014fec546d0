import type { Command } from '@telltale/api/contract'
import { describe, expect, it } from 'vitest'
import { mergeCommands, newerOf, trackSteps, verdict } from './track.ts'

const start = Date.parse('2026-11-22T14:00:00.000Z')
const at = (ms: number) => new Date(start + ms).toISOString()

function command(change: Partial<Command> = {}): Command {
  return {
    id: '00000000-0000-4000-8000-000000000001',
    deviceId: 'bay',
    name: 'set-led',
    params: { on: true },
    status: 'queued',
    ttlMs: 30_000,
    createdBy: 'admin',
    createdAt: at(0),
    expiresAt: at(30_000),
    sentAt: null,
    deliveredAt: null,
    acceptedAt: null,
    replyDueAt: null,
    finishedAt: null,
    progress: null,
    result: null,
    error: null,
    ...change,
  }
}

const lamps = (one: Command) => trackSteps(one).map((step) => step.shape)

describe('trackSteps', () => {
  it('lights one lamp after the other and turns the newest', () => {
    expect(lamps(command())).toEqual(['busy', 'never', 'never', 'never', 'never'])
    const delivered = command({ status: 'delivered', sentAt: at(4), deliveredAt: at(19) })
    expect(lamps(delivered)).toEqual(['online', 'online', 'busy', 'never', 'never'])
    expect(trackSteps(delivered)[2]?.time).toBe('+ 19 ms')
  })

  it('ends on a check, also when the device never said accepted', () => {
    const done = command({ status: 'succeeded', sentAt: at(4), deliveredAt: at(19), finishedAt: at(2_400) })
    expect(lamps(done)).toEqual(['online', 'online', 'online', 'online', 'done'])
    expect(
      trackSteps(done)
        .map((step) => step.time)
        .slice(3),
    ).toEqual(['', '+ 2.4 s'])
  })

  it('never goes backwards: a reply that overtakes the acknowledgement proves the delivery', () => {
    const overtaken = command({ status: 'accepted', sentAt: at(4), deliveredAt: at(91), acceptedAt: at(61) })
    expect(trackSteps(overtaken).map(({ time }) => time)).toEqual([
      ...[expect.any(String), '+ 4 ms', '+ 61 ms', '+ 61 ms', ''],
    ])
  })

  it('does not light succeeded for a failure', () => {
    const failed = command({ status: 'failed', sentAt: at(4), deliveredAt: at(19), finishedAt: at(90) })
    expect(trackSteps(failed).map((step) => step.done)).toEqual([true, true, true, false, false])
    expect(trackSteps(failed)[3]).toMatchObject({ name: 'failed', shape: 'fail', time: '+ 90 ms' })
  })
})

describe('verdict', () => {
  it('says what failed, in the words of the device', () => {
    expect(verdict(command({ status: 'failed', error: 'door is open' }), start, false).words).toBe(
      'failed: door is open',
    )
  })

  it('says never sent only of what was never sent', () => {
    const expired = command({ status: 'expired', finishedAt: at(30_000) })
    expect(verdict(expired, start, false).note).toBe('never sent')
    const unacknowledged = { ...expired, sentAt: at(4) }
    expect(verdict(unacknowledged, start, false).note).toBe(
      'sent, never acknowledged: it may have been carried out',
    )
  })

  it('says until when an offline device is waited for', () => {
    expect(verdict(command(), start, true).note).toMatch(/^device is offline, waits until .*, then expires$/)
  })
})

describe('records from two channels', () => {
  it('never move a command backwards', () => {
    const done = command({ status: 'succeeded' })
    expect(newerOf(done, command({ status: 'sent' }))).toBe(done)
  })

  it('are listed once, newest first', () => {
    const later = command({ id: '00000000-0000-4000-8000-000000000002', createdAt: at(1_000) })
    const merged = mergeCommands([command()], [later, command({ status: 'sent' })])
    expect(merged.map((one) => [one.id.at(-1), one.status])).toEqual([
      ['2', 'queued'],
      ['1', 'sent'],
    ])
  })
})
