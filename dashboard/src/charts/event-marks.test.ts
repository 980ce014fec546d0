import type { Command } from '@telltale/api/contract'
import { describe, expect, it } from 'vitest'
import { commandMarks, gravest, groupMarks, presenceMarks, withHeard } from './event-marks.ts'

const start = Date.UTC(2026, 10, 22, 13)
const at = (ms: number) => new Date(start + ms).toISOString()

function command(id: string, ms: number, change: Partial<Command> = {}): Command {
  return {
    ...{
      id,
      deviceId: 'a',
      name: 'defrost',
      params: null,
      status: 'queued',
      ttlMs: 30_000,
      createdBy: 'admin',
    },
    ...{ createdAt: at(ms), expiresAt: at(ms + 30_000), sentAt: null, deliveredAt: null, acceptedAt: null },
    ...{ replyDueAt: null, finishedAt: null, progress: null, result: null, error: null },
    ...change,
  } as Command
}

describe('marks of events', () => {
  it('L-MARK-1: a command stands where it was sent, with what became of it', () => {
    const done = command('1', 0, { status: 'succeeded', finishedAt: at(2_400) })
    const failed = command('2', 5_000, { status: 'failed', finishedAt: at(6_000), error: 'door is open' })
    expect(
      commandMarks([done, failed, command('3', 9_000)], start).map(({ t, words, tone }) => [
        t - start,
        words,
        tone,
      ]),
    ).toEqual([
      [0, 'command defrost, succeeded in 2.4 s', 'ok'],
      [5_000, 'command defrost, failed: door is open', 'bad'],
      [9_000, 'command defrost, queued', 'on'],
    ])
  })

  it('L-MARK-1: what was heard moves a command forward, never back', () => {
    const listed = [command('1', 0, { status: 'delivered' })]
    const older = command('1', 0, { status: 'sent' })
    const newer = command('1', 0, { status: 'succeeded' })
    expect(withHeard(listed, new Map([['1', older]])).map(({ status }) => status)).toEqual(['delivered'])
    expect(withHeard(listed, new Map([['1', newer]])).map(({ status }) => status)).toEqual(['succeeded'])
    expect(withHeard(listed, new Map([['2', command('2', 1)]])).map(({ id }) => id)).toEqual(['1', '2'])
  })

  it('L-MARK-2: connections begin and end with a mark and its reason; a take-over is no absence', () => {
    const base = { durationMs: 0, address: null }
    const marks = presenceMarks('a', [
      { ...base, connectedAt: at(0), disconnectedAt: at(60_000), reason: 'keep_alive_lost' },
      { ...base, connectedAt: at(90_000), disconnectedAt: at(120_000), reason: 'taken_over' },
      { ...base, connectedAt: at(120_000), disconnectedAt: null, reason: null },
    ])
    expect(marks.map(({ t, words, shape }) => [t - start, words, shape])).toEqual([
      [0, 'online', 'online'],
      [60_000, 'offline, keep-alive lost', 'offline'],
      [90_000, 'online', 'online'],
      [120_000, 'online', 'online'],
    ])
  })

  it('L-MARK-3: marks that would overlap are one, with the gravest lamp, and stay so while time slides', () => {
    const marks = commandMarks(
      [0, 400, 900, 1_000, 5_000].map((ms, i) =>
        command(`${i}`, ms, i === 1 ? { status: 'failed', finishedAt: at(ms) } : { status: 'succeeded' }),
      ),
      start,
    )
    const groups = groupMarks(marks.toReversed(), 1_000)
    expect(groups.map(({ t, marks: own }) => [t - start, own.map(({ key }) => key)])).toEqual([
      [0, ['0', '1', '2']],
      [1_000, ['3']],
      [5_000, ['4']],
    ])
    expect(groups.map((group) => gravest(group)?.key)).toEqual(['1', '3', '4'])
    // A newer mark changes no older group.
    const more = groupMarks([...marks, ...commandMarks([command('9', 5_100)], start)], 1_000)
    expect(more.slice(0, 2)).toEqual(groups.slice(0, 2))
  })

  it('L-MARK-3: many marks at one moment are one group', () => {
    const marks = commandMarks(
      Array.from({ length: 5_000 }, (_, i) => command(`${i}`, i % 10)),
      start,
    )
    expect(groupMarks(marks, 1_000).map(({ marks: own }) => own.length)).toEqual([5_000])
  })
})
