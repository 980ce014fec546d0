import { describe, expect, it } from 'vitest'
import { adviceOn, reasonTitle } from './advice.ts'

describe('what to do about a rejected message', () => {
  it.each([
    ['ts 2033-01-01T00:00:00.000Z is in the future', /clock/],
    ['ts 1999-01-01T00:00:00.000Z is older than readings may be', /TELLTALE_BACKFILL_DAYS/],
    ['element 3: ts is neither epoch milliseconds, epoch seconds nor RFC 3339', /RFC 3339/],
    ['not JSON: Unexpected token', /Send JSON/],
    ['temperature: not a finite number', /leave the metric out/],
    ['more than 256 metrics', /Limits/],
    ['status is neither online nor offline', /online or offline/],
  ])('D-REJECT-1: “%s”', (reason, advice) => {
    expect(adviceOn(reason)).toMatch(advice)
  })

  it('D-REJECT-1: of a reason nobody foresaw nothing is said', () => {
    expect(adviceOn('the database refused it')).toBe('')
    expect([reasonTitle('not JSON: x'), reasonTitle('NaN is not'), reasonTitle('ts 1 is')]).toEqual([
      ...['Not JSON: x', 'NaN is not', 'ts 1 is'],
    ])
  })
})
