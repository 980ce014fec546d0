/**
 * What a sensor would see, composed from pure functions of time: the same seed on the same time axis gives the
 * same values, in any order and after any restart. Hours of the day are UTC.
 */
import { normalAt, seedFor, unitAt } from './rng.ts'

export const SECOND_MS = 1_000
export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000
export const DAY_MS = 86_400_000

/** A value at a time in epoch milliseconds. */
export type Signal = (timeMs: number) => number

function hourOfDay(timeMs: number): number {
  return (((timeMs % DAY_MS) + DAY_MS) % DAY_MS) / HOUR_MS
}

export function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value))
}

function round(value: number, decimals: number): number {
  const scale = 10 ** decimals
  return Math.round(value * scale) / scale
}

export function sum(...signals: Signal[]): Signal {
  return (timeMs) => signals.reduce((total, signal) => total + signal(timeMs), 0)
}

/** A day's wave: `mean + swing` at `peakHour`, `mean − swing` twelve hours away. */
export function daily(wave: { mean: number; swing: number; peakHour: number }): Signal {
  return (timeMs) =>
    wave.mean + wave.swing * Math.cos((2 * Math.PI * (hourOfDay(timeMs) - wave.peakHour)) / 24)
}

/** Zero at night, a half sine between rise and set. */
export function daylight(sun: { riseHour: number; setHour: number; peak: number }): Signal {
  return (timeMs) => {
    const share = (hourOfDay(timeMs) - sun.riseHour) / (sun.setHour - sun.riseHour)
    return share <= 0 || share >= 1 ? 0 : sun.peak * Math.sin(Math.PI * share)
  }
}

/** White noise of a sensor; it changes every `stepMs`. */
export function noise(seed: number, deviation: number, stepMs = SECOND_MS): Signal {
  // Three deviations is as far as an electronic sensor strays: the far tail would look like a fault.
  return (timeMs) => deviation * clamp(normalAt(seed, Math.floor(timeMs / stepMs)), -3, 3)
}

/** A slow wander within ± swing: value noise in two octaves, smooth between its points. */
export function walk(seed: number, wander: { swing: number; periodMs: number }): Signal {
  const slow = valueNoise(seedFor(seed, 'slow'), wander.periodMs)
  const fast = valueNoise(seedFor(seed, 'fast'), wander.periodMs / 4)
  return (timeMs) => wander.swing * (0.75 * slow(timeMs) + 0.25 * fast(timeMs))
}

function valueNoise(seed: number, periodMs: number): Signal {
  return (timeMs) => {
    const position = timeMs / periodMs
    const index = Math.floor(position)
    const share = position - index
    const from = 2 * unitAt(seed, index) - 1
    const to = 2 * unitAt(seed, index + 1) - 1
    return from + (to - from) * share * share * (3 - 2 * share)
  }
}

/** Grows from 0 to `reach` over `periodMs` and starts again: calibration drift, a battery, a clogging filter. */
export function drift(seed: number, wear: { reach: number; periodMs: number }): Signal {
  const offset = unitAt(seed, 0)
  return (timeMs) => {
    const position = timeMs / wear.periodMs + offset
    return wear.reach * (position - Math.floor(position))
  }
}

/** Something that lasts: a door held open, a pump's run, a fault. `roll` in [0, 1) is its own draw. */
export interface Span {
  startMs: number
  endMs: number
  roll: number
}
/** The spans that have started at `timeMs`, over or not, newest first, as far back as their effects last. */
export type Schedule = (timeMs: number) => readonly Span[]

/** Slots a schedule looks back: beyond them, nothing that ended has an effect still worth computing. */
const SLOTS_BACK = 3

/** At most one span in every slot of `slotMs`, with the given chance. */
export function happenings(
  seed: number,
  plan: { slotMs: number; chance: number; lastsMs: readonly [number, number] },
): Schedule {
  const offsetMs = unitAt(seed, -1) * plan.slotMs
  const spanOf = (slot: number): Span | undefined => {
    if (unitAt(seed, 4 * slot) >= plan.chance) return undefined
    const [minMs, maxMs] = plan.lastsMs
    const lastsMs = Math.min(plan.slotMs, minMs + unitAt(seed, 4 * slot + 1) * (maxMs - minMs))
    const startMs = slot * plan.slotMs - offsetMs + unitAt(seed, 4 * slot + 2) * (plan.slotMs - lastsMs)
    return { startMs, endMs: startMs + lastsMs, roll: unitAt(seed, 4 * slot + 3) }
  }
  return (timeMs) => {
    const slot = Math.floor((timeMs + offsetMs) / plan.slotMs)
    const spans: Span[] = []
    for (let back = 0; back <= SLOTS_BACK; back++) {
      const span = spanOf(slot - back)
      if (span && span.startMs <= timeMs) spans.push(span)
    }
    return spans
  }
}

/** The span going on at `timeMs`. */
export function ongoing(spans: readonly Span[], timeMs: number): Span | undefined {
  const newest = spans[0]
  return newest && timeMs >= newest.startMs && timeMs < newest.endMs ? newest : undefined
}

/**
 * What a first-order system (a room's air, a motor's iron) makes of the spans: towards 1 while one lasts, back to 0
 * after it. The system is linear, so the responses to several spans add up and the curve never jumps.
 */
export function response(spans: readonly Span[], timeMs: number, timeConstantMs: number): number {
  let total = 0
  for (const { startMs, endMs } of spans) {
    const lastedMs = Math.min(timeMs, endMs) - startMs
    const sinceEndMs = Math.max(0, timeMs - endMs)
    total += (1 - Math.exp(-lastedMs / timeConstantMs)) * Math.exp(-sinceEndMs / timeConstantMs)
  }
  return total
}

export interface CycleState {
  on: boolean
  /** −1 … 1: falls while on, rises while off; the saw-tooth a thermostat leaves in what it controls. */
  ripple: number
}

/** A machine that cycles: on for the share `duty` of each period. */
export function cycle(
  seed: number,
  plan: { periodMs: number; duty: Signal },
): (timeMs: number) => CycleState {
  const offset = unitAt(seed, 0)
  return (timeMs) => {
    const position = timeMs / plan.periodMs + offset
    const phase = position - Math.floor(position)
    const duty = clamp(plan.duty(timeMs), 0.05, 0.95)
    return phase < duty
      ? { on: true, ripple: 1 - (2 * phase) / duty }
      : { on: false, ripple: (2 * (phase - duty)) / (1 - duty) - 1 }
  }
}

/** What a command changes: it eases from where it was to the new value (time constant `easeMs`). */
export interface Control {
  at: Signal
  target(): number
  set(value: number, timeMs: number): void
}

export function createControl(initial: number, easeMs: number): Control {
  let from = initial
  let to = initial
  let sinceMs = 0
  const at = (timeMs: number) => to + (from - to) * Math.exp(-Math.max(0, timeMs - sinceMs) / easeMs)
  return {
    at,
    target: () => to,
    set(value, timeMs) {
      from = at(timeMs)
      to = value
      sinceMs = timeMs
    },
  }
}

/** A sensor's reading; `undefined` when it gives none. */
export type Sensor = (timeMs: number) => number | undefined

/** Share of samples inside a spiking fault that are wrong. */
const SPIKE_SHARE = 0.15

/** Makes a sensor of a signal: now and then it sticks, spikes by up to `spike`, or drops out. */
export function sensor(
  seed: number,
  signal: Signal,
  shape: { decimals: number; spike: number; min?: number; max?: number },
): Sensor {
  const faultAt = happenings(seedFor(seed, 'fault'), {
    slotMs: 8 * HOUR_MS,
    chance: 0.12,
    lastsMs: [20 * SECOND_MS, 8 * MINUTE_MS],
  })
  const read = (timeMs: number) =>
    round(clamp(signal(timeMs), shape.min ?? -Infinity, shape.max ?? Infinity), shape.decimals)
  return (timeMs) => {
    const fault = ongoing(faultAt(timeMs), timeMs)
    if (fault === undefined) return read(timeMs)
    if (fault.roll < 0.4) return read(fault.startMs)
    if (fault.roll < 0.7) return undefined
    const draw = unitAt(seed, Math.floor(timeMs / SECOND_MS))
    const spikes = draw < SPIKE_SHARE
    return spikes ? round(read(timeMs) + shape.spike * (1 - 3 * draw), shape.decimals) : read(timeMs)
  }
}
