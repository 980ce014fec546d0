import { describe, expect, test } from 'vitest'
import { type PlannedDevice, planFleet } from './profiles/index.ts'
import type { Values } from './profiles/profile.ts'
import {
  createControl,
  DAY_MS,
  HOUR_MS,
  happenings,
  MINUTE_MS,
  ongoing,
  response,
  sensor,
} from './signals.ts'

const MIDNIGHT_MS = Date.UTC(2026, 4, 11)

function times(count: number, stepMs: number): number[] {
  return Array.from({ length: count }, (_, i) => MIDNIGHT_MS + i * stepMs)
}

function fleet(profile: string, devices = 12, seed = 7): PlannedDevice[] {
  return planFleet({ profile, devices, seed })
}

function numbers(samples: Values[], metric: string): number[] {
  return samples.map((sample) => sample[metric]).filter((value) => typeof value === 'number')
}

function middle(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

describe('determinism', () => {
  const axis = times(400, 7 * MINUTE_MS)

  test.each(['greenhouse', 'coldroom', 'pumps', 'mixed'])('%s: same seed, same values', (profile) => {
    const once = fleet(profile).map(({ model }) => axis.map((t) => model.sample(t)))
    const again = fleet(profile).map(({ model }) => axis.map((t) => model.sample(t)))
    expect(again).toEqual(once)
  })

  test('values do not depend on what was sampled before', () => {
    const forward = fleet('mixed').map(({ model }) => axis.map((t) => model.sample(t)))
    const backward = fleet('mixed').map(({ model }) => axis.toReversed().map((t) => model.sample(t)))
    expect(backward.map((samples) => samples.toReversed())).toEqual(forward)
  })

  test('another seed gives other values, and so does another device', () => {
    const [first, , , second] = fleet('mixed')
    const [other] = fleet('mixed', 12, 8)
    const sample = (device: PlannedDevice | undefined) => axis.map((t) => device?.model.sample(t))
    expect(sample(other)).not.toEqual(sample(first))
    expect(sample(second)).not.toEqual(sample(first))
  })

  test('a larger fleet changes nothing in the devices a smaller one has', () => {
    const t = MIDNIGHT_MS + 5 * HOUR_MS
    const look = (device: PlannedDevice) => ({ ...device, model: device.model.sample(t) })
    expect(fleet('mixed', 90).slice(0, 9).map(look)).toEqual(fleet('mixed', 9).map(look))
  })
})

describe('believable', () => {
  const axis = times(3 * 24 * 12, 5 * MINUTE_MS)
  const sampleAll = (profile: string) =>
    fleet(profile).map(({ model }) => axis.map((t): Values => ({ ...model.sample(t), t })))

  test('greenhouse: warm and bright by day, dark by night, dry air when it is hot', () => {
    for (const samples of sampleAll('greenhouse')) {
      const at = (from: number, to: number) =>
        samples.filter(({ t }) => {
          const hour = ((t as number) - MIDNIGHT_MS) / HOUR_MS
          return hour % 24 >= from && hour % 24 < to
        })
      expect(middle(numbers(at(11, 15), 'temperature'))).toBeGreaterThan(
        middle(numbers(at(0, 4), 'temperature')) + 2,
      )
      expect(middle(numbers(at(11, 15), 'light'))).toBeGreaterThan(300)
      expect(middle(numbers(at(0, 4), 'light'))).toBeLessThan(5)
      expect(middle(numbers(samples, 'temperature'))).toBeGreaterThan(14)
      expect(middle(numbers(samples, 'temperature'))).toBeLessThan(30)
      expect(middle(numbers(samples, 'humidity'))).toBeGreaterThan(45)
      expect(middle(numbers(samples, 'co2'))).toBeGreaterThan(400)
      expect(new Set(samples.map(({ vent }) => vent)).size).toBeGreaterThan(1)
    }
  })

  test('cold room: cold, a compressor that cycles, a door that is mostly closed, defrosts', () => {
    for (const samples of sampleAll('coldroom')) {
      const share = (holds: (sample: Values) => boolean) => samples.filter(holds).length / samples.length
      expect(middle(numbers(samples, 'temperature'))).toBeGreaterThan(1)
      expect(middle(numbers(samples, 'temperature'))).toBeLessThan(7)
      const running = share(({ compressor }) => Number((compressor as Values | undefined)?.power) > 1_000)
      expect(running).toBeGreaterThan(0.2)
      expect(running).toBeLessThan(0.75)
      expect(share(({ door }) => door === 'open')).toBeGreaterThan(0.005)
      expect(share(({ door }) => door === 'open')).toBeLessThan(0.2)
      expect(share(({ defrost }) => defrost === true)).toBeGreaterThan(0.02)
    }
  })

  test('pumps: standing means no flow and static pressure, running means both', () => {
    for (const { model } of fleet('pumps')) {
      const samples = axis.map((t) => ({ before: model.sample(t - MINUTE_MS), now: model.sample(t) }))
      const steady = (running: boolean) =>
        samples
          .filter(({ before, now }) => before.running === running && now.running === running)
          .map(({ now }) => now)
      expect(middle(numbers(steady(false), 'flow'))).toBe(0)
      expect(middle(numbers(steady(false), 'pressure'))).toBeLessThan(0.8)
      expect(middle(numbers(steady(true), 'flow'))).toBeGreaterThan(90)
      expect(middle(numbers(steady(true), 'rpm'))).toBeGreaterThan(2_700)
    }
  })

  test('sensors fail now and then: no value, or the same value for minutes, or a spike', () => {
    const read = sensor(3, (t) => 20 + (t % 1_000) / 100, { decimals: 2, spike: 500 })
    const values = times(60 * 24 * 180, 20_007).map(read)
    expect(values).toContain(undefined)
    expect(values.some((value) => value !== undefined && value > 100)).toBe(true)
    expect(values.some((value, i) => value !== undefined && value === values[i + 1])).toBe(true)
    expect(values.filter((value) => value === undefined).length / values.length).toBeLessThan(0.02)
  })
})

describe('parts', () => {
  test('happenings start where they say and never overlap', () => {
    const plan = { slotMs: HOUR_MS, chance: 0.7, lastsMs: [MINUTE_MS, 50 * MINUTE_MS] } as const
    const schedule = happenings(11, plan)
    const spans = schedule(MIDNIGHT_MS + DAY_MS)
    for (const [i, span] of spans.entries()) {
      expect(ongoing(schedule(span.startMs), span.startMs)).toEqual(span)
      expect(ongoing(schedule(span.endMs), span.endMs)).not.toEqual(span)
      expect(spans[i + 1]?.endMs ?? 0).toBeLessThanOrEqual(span.startMs)
    }
  })

  test('a response rises towards one, falls towards zero and never jumps', () => {
    const spans = [{ startMs: 0, endMs: 10_000, roll: 0 }]
    expect(response(spans, 10_000, 1_000)).toBeCloseTo(1, 3)
    expect(response(spans, 20_000, 1_000)).toBeCloseTo(0, 3)
    expect(response(spans, 10_001, 1_000)).toBeCloseTo(response(spans, 9_999, 1_000), 2)
  })

  test('a control eases from the old value to the new one', () => {
    const control = createControl(20, 1_000)
    control.set(30, 5_000)
    expect(control.at(5_000)).toBe(20)
    expect(control.at(6_000)).toBeCloseTo(26.3, 1)
    expect(control.at(60_000)).toBeCloseTo(30, 3)
  })
})
