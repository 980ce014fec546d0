import { describe, expect, it } from 'vitest'
import { decodeMetric, decodeTelemetry, encodeReadings, StampClock } from './telemetry.ts'

const NOW = Date.UTC(2026, 10, 22, 12)
const DAY = 86_400_000
const window = { backfillMs: 30 * DAY, aheadMs: 5 * 60_000 }
const decode = (payload: string | Buffer) =>
  decodeTelemetry(Buffer.from(payload), { nowMs: NOW, clock: new StampClock(), window })
const now = () => ({ nowMs: NOW, clock: new StampClock() })
/** metric → value of the only reading, and its time. */
const only = (payload: string) => {
  const { readings, rejected } = decode(payload)
  expect(rejected).toBeUndefined()
  expect(readings.length).toBe(1)
  const [reading] = readings
  return [Object.fromEntries(reading?.metrics.map((m, i) => [m, reading.values[i]]) ?? []), reading?.timeMs]
}

describe('decodeTelemetry', () => {
  it.each([
    ['{"temperature":21.5,"door":"open","ok":true}', { temperature: 21.5, door: 'open', ok: true }, NOW],
    [`{"ts":${NOW - 5},"values":{"a":-0}}`, { a: -0 }, NOW - 5],
    [`{"ts":${NOW - 5},"a":1}`, { a: 1 }, NOW - 5],
    ['{"values":{"a":1}}', { a: 1 }, NOW],
    ['{"values":{"a":1},"b":2}', { 'values.a': 1, b: 2 }, NOW],
    ['{"values":7}', { values: 7 }, NOW],
    ['{"gps":{"lat":1,"fix":{"ok":true}},"n":null}', { 'gps.lat': 1, 'gps.fix.ok': true }, NOW],
    ['{"a":1,"a":2}', { a: 2 }, NOW],
    [' \n{"a":1}\n', { a: 1 }, NOW],
    [`{"ts":${NOW / 1000},"values":{"a":1}}`, { a: 1 }, NOW],
    [`{"ts":${NOW / 1000 + 0.25},"values":{"a":1}}`, { a: 1 }, NOW + 250],
    ['{"ts":"2026-11-22T13:00:00.5+01:00","values":{"a":1}}', { a: 1 }, NOW + 500],
    ['{"a":1e308,"b":5e-324}', { a: 1e308, b: 5e-324 }, NOW],
  ])('T-SHAPE-1 %s', (payload, values, timeMs) => {
    expect(only(payload)).toEqual([values, timeMs])
  })

  it.each([
    ['', /empty payload/],
    ['{', /not JSON/],
    ['{"a":NaN}', /not JSON/],
    ['7', /neither an object/],
    ['null', /neither an object/],
    ['[]', /an empty array/],
    ['{}', /no values/],
    ['{"a":null}', /no values/],
    ['{"a":1e400}', /not a finite number/],
    ['{"a":[1]}', /an array is not a value/],
    ['{"a":"\\u0000"}', /U\+0000/],
    ['{"a":"\\ud800"}', /half a surrogate/],
    ['{"\\ud800":1}', /half a surrogate/],
    ['{"\\u0007":1}', /control character/],
    ['{"":1}', /empty metric name/],
    [`{"${'m'.repeat(129)}":1}`, /longer than 128/],
    [`{"a":"${'é'.repeat(513)}"}`, /longer than 1024 bytes/],
    [`${'{"a":'.repeat(9)}1${'}'.repeat(9)}`, /nested deeper/],
    [`{${Array.from({ length: 257 }, (_, i) => `"m${i}":1`).join()}}`, /more than 256 metrics/],
    [`{"a":"${'x'.repeat(65_536)}"}`, /longer than 65536 bytes/],
    [`{"ts":${NOW - 31 * DAY},"values":{"a":1}}`, /older than readings may be/],
    [`{"ts":${NOW + 6 * 60_000},"values":{"a":1}}`, /in the future/],
    ['{"ts":0,"values":{"a":1}}', /1970-01-01/],
    ['{"ts":4070908800000,"values":{"a":1}}', /2099-01-01/],
    ['{"ts":9e300,"values":{"a":1}}', /ts is neither/],
    ['{"ts":"yesterday","values":{"a":1}}', /ts is neither/],
    ['{"ts":"2026-11-22","values":{"a":1}}', /ts is neither/],
    ['{"ts":1764000000000.5,"values":{"a":1}}', /ts is neither/],
    ['{"ts":null,"values":{"a":1}}', /ts is neither/],
  ])('T-BAD-1 %s', (payload, reason) => {
    const { readings, rejected } = decode(payload)
    expect(readings).toEqual([])
    expect(rejected).toMatch(reason)
  })

  it('T-BAD-2 ill-formed UTF-8 is not repaired into something else', () => {
    expect(decode(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])).rejected).toBe('not UTF-8')
  })

  it('T-BAD-3 the reason itself can be stored: it quotes no U+0000 and no half surrogates', () => {
    expect(decode('\0{').rejected).not.toContain('\0')
    expect(decode(`x${'😀'.repeat(200)}`).rejected?.isWellFormed()).toBe(true)
    expect(decodeMetric('m', Buffer.from('"a\0b"'), now()).rejected).not.toContain('\0')
  })

  it('T-BACKLOG-1 an array keeps what is readable and says which element is not', () => {
    const { readings, rejected } = decode(`[{"ts":${NOW - 2},"values":{"a":1}},{"a":[]},{"a":3},7]`)
    expect(readings.map(({ timeMs, values }) => [timeMs, values[0]])).toEqual([
      [NOW - 2, 1],
      [NOW, 3],
    ])
    expect(rejected).toMatch(/^element 1: a: an array is not a value \(and 1 more of 4 elements\)/)
  })

  it('T-STAMP-1 subscribers get the time that was stored, in one of the three shapes', () => {
    const stamp = (payload: string) => {
      const { stamped } = decode(payload)
      return stamped && JSON.parse(stamped.toString())
    }
    expect(stamp('{"a":1,"b":{"c":2}}')).toEqual({ ts: NOW, values: { a: 1, b: { c: 2 } } })
    expect(stamp(' {"values":{"a":1}}')).toEqual({ ts: NOW, values: { a: 1 } })
    expect(stamp('[{"a":1},{"a":2}]')).toEqual([
      { ts: NOW, values: { a: 1 } },
      { ts: NOW + 1, values: { a: 2 } },
    ])
    expect(stamp(`{"ts":${NOW},"values":{"a":1}}`)).toBeUndefined()
    expect(stamp(`{"ts":${NOW},"a":{"b":1}}`)).toEqual({ ts: NOW, values: { 'a.b': 1 } })
    expect(stamp(`{"ts":${NOW / 1000},"values":{"a":1}}`)).toEqual({ ts: NOW, values: { a: 1 } })
    expect(stamp('{"ts":"2026-11-22T12:00:00Z","values":{"a":1}}')).toEqual({ ts: NOW, values: { a: 1 } })
    expect(stamp(`[{"ts":${NOW},"values":{"a":1}},{"ts":${NOW / 1000},"a":2}]`)).toEqual([
      { ts: NOW, values: { a: 1 } },
      { ts: NOW, values: { a: 2 } },
    ])
  })

  it('T-HOSTILE-2 a metric called __proto__ is a metric', () => {
    const { readings } = decode('{"__proto__":{"polluted":1},"constructor":2}')
    expect(readings[0]?.metrics).toEqual(['__proto__.polluted', 'constructor'])
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    const { stamped = Buffer.of() } = decode('[{"__proto__":1}]')
    expect(stamped.toString()).toBe(`{"ts":${NOW},"values":{"__proto__":1}}`)
    expect(encodeReadings(readings).toString()).toContain('"__proto__.polluted":1')
  })
})

describe('StampClock', () => {
  it('T-STAMP-2 readings without a time of their own never share one, and never drift far ahead', () => {
    const clock = new StampClock()
    expect([clock.next(NOW), clock.next(NOW), clock.next(NOW), clock.next(NOW + 50)]).toEqual([
      NOW,
      NOW + 1,
      NOW + 2,
      NOW + 50,
    ])
    for (let i = 0; i < 200_000; i++) expect(clock.next(NOW) - NOW).toBeLessThanOrEqual(60_000)
  })
})

describe('decodeMetric', () => {
  it.each([
    ['21.5', 21.5],
    [' -3e2 ', -300],
    ['true', true],
    ['"text"', 'text'],
    ['door open', 'door open'],
    ['21,5', '21,5'],
  ])('T-METRIC-2 %s', (payload, value) => {
    expect(decodeMetric('m', Buffer.from(payload), now()).readings).toEqual([
      { timeMs: NOW, metrics: ['m'], values: [value] },
    ])
  })

  it.each(['NaN', '-inf', 'Infinity', '1e400', 'null', '{"a":1}', '[1]', '', '\0'])(
    'T-METRIC-3 refused: %j',
    (payload) => {
      const { readings, rejected } = decodeMetric('m', Buffer.from(payload), now())
      expect(readings).toEqual([])
      expect(rejected).toBeTruthy()
    },
  )
})
