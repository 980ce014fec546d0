import type { Settings } from '@telltale/api/contract'
import { describe, expect, it } from 'vitest'
import { toFacts } from './words.ts'

const told = { enrolment: 'approve', enrolmentKeySet: true, retentionDays: 0, backfillDays: 30 } as const
const database = { engine: 'plain', serverVersion: '18.1 (Debian)', extensionVersion: null } as const

function shown(settings: Settings) {
  const { enrolment, readings } = toFacts(settings)
  return [...enrolment, ...readings].map(({ values }) => values)
}

describe('toFacts', () => {
  it('says each setting once where brokers agree', () => {
    const brokers = ['b-1', 'b-2'].map((brokerId) => ({ brokerId, settings: told }))
    expect(shown({ brokers, database }).map(([first]) => first?.value)).toEqual([
      'By approval',
      'Set',
      'Keeps everything',
      '30 days',
    ])
    expect(shown({ brokers, database }).every((values) => values.length === 1)).toBe(true)
  })

  it('names the brokers where they differ, and leaves out who has not told', () => {
    const brokers = [
      { brokerId: 'b-1', settings: told },
      { brokerId: 'b-2', settings: { ...told, retentionDays: 1 } },
      { brokerId: 'old', settings: null },
    ]
    expect(shown({ brokers, database })[2]).toEqual([
      { value: 'Keeps everything', brokers: ['b-1'] },
      { value: '1 day', brokers: ['b-2'] },
    ])
  })

  it('knows nothing of brokers that do not run', () => {
    expect(shown({ brokers: [], database }).flat()).toEqual([])
  })

  it('names the database', () => {
    const [plain] = toFacts({ brokers: [], database }).database
    expect(plain?.values[0]?.value).toBe('PostgreSQL 18.1')
    const timescale = { engine: 'timescale', serverVersion: '17.2', extensionVersion: '2.20.0' } as const
    const [other] = toFacts({ brokers: [], database: timescale }).database
    expect(other?.values[0]?.value).toBe('PostgreSQL 17.2 with TimescaleDB 2.20.0')
  })
})
