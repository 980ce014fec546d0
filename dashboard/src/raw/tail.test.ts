import type { Readings } from '@telltale/api/contract'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { filtered, type Row, rowsMax, storedMax, storedMessages, Tail } from './tail.ts'

type Columns = { kind: 'number' | 'boolean' | 'string'; t: number[]; value: (number | boolean | string)[] }

function readings(series: Record<string, Columns>): Readings {
  return {
    ...{
      deviceId: 'bay',
      from: 0,
      to: 1_000,
      bucketMs: null,
      source: 'raw' as const,
      truncated: false,
      t: [],
    },
    series: Object.fromEntries(Object.entries(series).map(([metric, one]) => [metric, { ...one, gaps: [] }])),
  }
}

function lines(rows: readonly Row[]): string[] {
  return rows.map((row) => (row.kind === 'mark' ? row.words : row.json))
}

describe('the raw tail', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('L-RAW-1: what was stored comes first, and what was heard meanwhile is there once', () => {
    const tail = new Tail()
    tail.add({ deviceId: 'bay', time: 300, values: { a: 3 } }, 301)
    tail.load(
      readings({
        a: { kind: 'number', t: [100, 200, 300], value: [1, 2, 3] },
        ok: { kind: 'boolean', t: [200], value: [true] },
      }),
    )
    expect(lines(tail.getRows())).toEqual([
      '{"ts":100,"values":{"a":1}}',
      '{"ts":200,"values":{"a":2,"ok":true}}',
      '{"ts":300,"values":{"a":3}}',
    ])
    const arrivals = tail.getRows().map((row) => (row.kind === 'message' ? row.arrivedAt : 0))
    expect(arrivals).toEqual([null, null, 301])
  })

  it('L-RAW-1: where a series is cut off, no message is shown in part', () => {
    const times = Array.from({ length: storedMax }, (_, index) => 1_000 + index)
    const stored = storedMessages(
      readings({
        often: { kind: 'number', t: times, value: times },
        seldom: { kind: 'number', t: [10, 1_001], value: [1, 2] },
      }),
    )
    expect(stored).toHaveLength(storedMax)
    expect(stored[0]?.time).toBe(1_000)
    expect(stored[1]?.values).toEqual({ often: 1_001, seldom: 2 })
  })

  it('L-RAW-2: it is told of a burst in one go, and keeps the newest', () => {
    const tail = new Tail()
    const told = vi.fn()
    const forget = tail.subscribe(told)
    const total = 3 * rowsMax + 77
    for (let time = 1; time <= total; time += 1)
      tail.add({ deviceId: 'bay', time, values: { a: time } }, time)
    vi.advanceTimersByTime(250)
    expect(told.mock.calls.length).toBeLessThanOrEqual(4)
    expect(tail.getRows()).toHaveLength(rowsMax)
    expect(tail.count).toBe(total)
    expect(lines(tail.getRows()).at(-1)).toBe(`{"ts":${total},"values":{"a":${total}}}`)
    forget()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('L-RAW-2: huge messages take no more room than is meant for them', () => {
    const tail = new Tail()
    const values = { text: 'x'.repeat(60_000) }
    for (let time = 1; time <= 200; time += 1) tail.add({ deviceId: 'bay', time, values }, time)
    tail.load(readings({}))
    expect(tail.getRows().length).toBe(66)
  })

  it('L-RAW-3: what is missing is said where it is missing, whatever is filtered', () => {
    const tail = new Tail()
    tail.add({ deviceId: 'bay', time: 1, values: { Temperature: 20.5 } }, 1)
    tail.mark('Some messages are missing here.')
    tail.add({ deviceId: 'bay', time: 2, values: { note: 'Door OPEN' } }, 2)
    tail.load(readings({}))
    expect(lines(filtered(tail.getRows(), 'temperature 20.5'))).toEqual([
      '{"ts":1,"values":{"Temperature":20.5}}',
      'Some messages are missing here.',
    ])
    expect(filtered(tail.getRows(), ' open ')).toHaveLength(2)
    expect(filtered(tail.getRows(), 'open window')).toHaveLength(1)
  })

  it('L-RAW-3: names that every object has are names', () => {
    const tail = new Tail()
    tail.load(
      readings(JSON.parse('{"__proto__":{"kind":"number","t":[1],"value":[5]}}') as Record<string, Columns>),
    )
    expect(lines(tail.getRows())).toEqual(['{"ts":1,"values":{"__proto__":5}}'])
  })

  it('L-RAW-4: after clearing only what is new is there', () => {
    const tail = new Tail()
    tail.add({ deviceId: 'bay', time: 1, values: { a: 1 } }, 1)
    tail.clear()
    tail.add({ deviceId: 'bay', time: 2, values: { a: 2 } }, 2)
    tail.load(readings({}))
    expect(lines(tail.getRows())).toEqual(['{"ts":2,"values":{"a":2}}'])
  })
})
