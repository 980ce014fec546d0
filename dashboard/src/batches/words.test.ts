import type { CommandBatch } from '@telltale/api/contract'
import { describe, expect, it } from 'vitest'
import { readBatchSearch } from './search.ts'
import {
  commandWords,
  countWords,
  failedCount,
  filterWords,
  isOpen,
  needsTyping,
  outcomeWords,
  progressWords,
  segmentsOf,
  stateOf,
  stopWords,
} from './words.ts'

const batch: CommandBatch = {
  ...{ id: '', name: 'set-led', params: {}, ttlMs: 30_000, filter: { all: true }, status: 'running' },
  ...{ devices: 128, made: 68, results: { sent: 50, succeeded: 8, delivered: 8, waiting: 60, queued: 2 } },
  ...{ createdBy: 'admin', createdAt: '', finishedAt: null },
}

describe('a batch in words', () => {
  it('C-BATCHWORDS-1: says what is reached before anything is sent', () => {
    expect(countWords({ devices: 128, online: 120, disabled: 2 })).toBe(
      '128 devices match, 120 connected, 2 disabled will be refused.',
    )
    expect(countWords({ devices: 1, online: 0, disabled: 0 })).toBe('1 device matches, 0 connected.')
    expect(countWords({ devices: 0, online: 0, disabled: 0 })).toBe('No device matches.')
  })

  it.each([
    [{ all: true } as const, 'All devices'],
    [{ tag: 'almere', status: 'never' } as const, 'Devices with status never seen, tag almere'],
    [{ q: 'pump', type: 'pump' }, 'Devices with “pump” in the id or name, type pump'],
    [{ ids: ['a', 'b', 'c', 'd'] }, 'Devices chosen by id: a, b, c and 1 more'],
  ])('C-BATCHWORDS-1: names the filter %o', (filter, words) => {
    expect(filterWords(filter)).toBe(words)
  })

  it('C-BATCHWORDS-2: Stop promises no more than it can do', () => {
    expect(stopWords(batch)).toEqual({
      can: true,
      sent: '58 are sent already and go on.',
      waiting: '62 wait and are never sent.',
    })
    expect(stopWords({ results: { sent: 1, queued: 1 } })).toMatchObject({
      sent: '1 is sent already and goes on.',
      waiting: '1 waits and is never sent.',
    })
    expect(stopWords({ results: { succeeded: 3 } }).can).toBe(false)
  })

  it('C-BATCHWORDS-3: it is open while anything can still change', () => {
    expect(isOpen(batch)).toBe(true)
    expect(isOpen({ status: 'finished', results: { queued: 1 } })).toBe(true)
    expect(isOpen({ status: 'finished', results: { expired: 1, succeeded: 2 } })).toBe(false)
    expect(progressWords(batch)).toBe('Being sent, 8 of 128 done')
    expect(progressWords({ ...batch, status: 'finished', results: { succeeded: 128 } })).toBe(
      '128 of 128 done',
    )
    expect(progressWords({ ...batch, status: 'stopped', results: { sent: 8, stopped: 120 } })).toBe(
      'Stopped, 120 of 128 done',
    )
  })

  it('C-BATCHWORDS-5: a line of the list says how many are done, and how it went', () => {
    const finished = { ...batch, status: 'finished', devices: 1_026 } as const
    expect(outcomeWords({ ...finished, results: { succeeded: 1_020, expired: 6 } })).toBe(
      '1,026 of 1,026 done · 1,020 succeeded · 6 expired',
    )
    expect(outcomeWords({ ...finished, results: { queued: 1_026 } })).toBe('0 of 1,026 done · 1,026 queued')
  })

  it('C-BATCHWORDS-3: every state has a place in the bar, in one order', () => {
    expect(segmentsOf(batch).map(({ status, count }) => [status, count])).toEqual([
      ['succeeded', 8],
      ['delivered', 8],
      ['sent', 50],
      ['queued', 2],
      ['waiting', 60],
    ])
    expect(stateOf('timed_out').words).toBe('Timed out')
  })

  it('C-BATCHWORDS-6: what failed can be sent again, what was cancelled or still runs is not among it', () => {
    expect(failedCount(batch)).toBe(0)
    const results = {
      succeeded: 5,
      failed: 1,
      rejected: 2,
      timed_out: 3,
      refused: 4,
      expired: 5,
      cancelled: 9,
    }
    expect(failedCount({ results: { ...results, stopped: 9, queued: 9 } })).toBe(15)
  })

  it('C-BATCHWORDS-7: a command is called by its label where all types that have it give it the same', () => {
    const cold = { commands: { prime: { label: 'Prime the pump' }, stop: {} } }
    const warm = { commands: { prime: { label: 'Prime' } } }
    expect(commandWords('prime', [cold, { commands: {} }])).toBe('Prime the pump')
    expect(commandWords('prime', [cold, warm])).toBe('prime')
    expect([commandWords('stop', [cold]), commandWords('toString', [cold])]).toEqual(['stop', 'toString'])
  })

  it('C-BATCHWORDS-4: many devices and dangerous commands ask twice', () => {
    expect([needsTyping(50, false), needsTyping(51, false), needsTyping(1, true)]).toEqual([
      false,
      true,
      true,
    ])
  })
})

it('readBatchSearch drops what it does not know', () => {
  expect(readBatchSearch({ state: 'timed_out' })).toEqual({ state: 'timed_out' })
  expect(readBatchSearch({ state: 'lost' })).toEqual({})
})
