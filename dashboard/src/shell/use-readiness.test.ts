import type { Readiness } from '@telltale/api/contract'
import { expect, it } from 'vitest'
import { isNews } from './use-readiness.ts'

const spool = {
  ...{ messages: 3, bytes: 1, bytesMax: 2, oldestAt: 1 },
  ...{ spooledTotal: 1, replayedTotal: 1, damagedBytes: 0 },
}
const totals = { time: 1, messagesPerSecond: 1, connections: 1 }
const readiness = (state: 'empty' | 'taking'): Readiness => ({
  ...{ ready: true, version: '1.0.0', checks: [] },
  spool: { ...spool, state },
})

it('R-SEEN-12 the live stream says within a second that the server is to be asked again', () => {
  const taking = { ...totals, spool: { ...spool, state: 'taking' as const } }
  expect(isNews(taking, readiness('empty'))).toBe(true)
  expect(isNews(taking, readiness('taking'))).toBe(false)
  expect(isNews({ ...totals, spool: null }, readiness('empty'))).toBe(true)
})

it('R-SEEN-12 an older server that says nothing of it is not asked for it', () => {
  expect(isNews(totals, readiness('empty'))).toBe(false)
  expect(isNews({ ...totals, spool: null }, { ...readiness('empty'), spool: null })).toBe(false)
})
