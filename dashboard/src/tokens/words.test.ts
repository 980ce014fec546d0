import { describe, expect, it } from 'vitest'
import { curlLine, expiryIn, expiryOf } from './words.ts'

const now = Date.UTC(2026, 10, 23, 12)
const inDays = (days: number) => new Date(now + days * 86_400_000).toISOString()

describe('expiryIn', () => {
  it('is days from now, or nothing at all', () => {
    expect(expiryIn(30, now)).toEqual({ expiresAt: inDays(30) })
    expect(expiryIn(null, now)).toEqual({})
  })
})

describe('expiryOf', () => {
  it.each([
    [null, 'never'],
    [inDays(-1), 'over'],
    [inDays(0), 'over'],
    [inDays(6.9), 'soon'],
    [inDays(7), 'later'],
  ])('%s is %s', (expiresAt, expected) => {
    expect(expiryOf(expiresAt, now)).toBe(expected)
  })
})

describe('curlLine', () => {
  it('carries the token and the address of this dashboard', () => {
    const line = curlLine('https://telltale.example', 'tt_abc-_1')
    expect(line).toContain("'authorization: Bearer tt_abc-_1'")
    expect(line).toContain("'https://telltale.example/api/v1/devices?limit=5'")
  })
})
