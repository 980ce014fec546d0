/** What a profile gives the rest of the simulator: names for its devices, and a model of what each one measures. */
import type { Value } from '@telltale/broker/contract'
import type { CommandHandlers } from '../commands.ts'
import { seedFor } from '../rng.ts'
import { DAY_MS, daily, type Signal, sum, walk } from '../signals.ts'

/** One message's values; a nested object is one dotted metric per leaf (`soil.moisture`). */
export interface Values {
  [metric: string]: Value | Values
}

export interface DevicePlan {
  id: string
  name: string
  type: string
  tags: string[]
}

export interface Model {
  sample(timeMs: number): Values
  commands: CommandHandlers
}

export interface Profile {
  /** The n-th device of this profile, n from 1. */
  plan(n: number): DevicePlan
  model(seeds: ModelSeeds): Model
}

export interface ModelSeeds {
  /** Shared by the fleet: devices of one site have the same weather. */
  site: number
  device: number
}

/** `3` → `03`: ids of a small fleet sort as people count. */
export function twoDigits(n: number): string {
  return String(n).padStart(2, '0')
}

export function outdoorTemperature(siteSeed: number): Signal {
  return sum(
    daily({ mean: 12, swing: 6, peakHour: 15 }),
    walk(seedFor(siteSeed, 'weather'), { swing: 5, periodMs: 2 * DAY_MS }),
  )
}

/** Leaves out what a sensor did not give, instead of sending a made-up value for it. */
export function present(values: Record<string, Value | Values | undefined>): Values {
  const kept: Values = {}
  for (const [metric, value] of Object.entries(values)) {
    if (value === undefined || (typeof value === 'object' && Object.keys(value).length === 0)) continue
    kept[metric] = value
  }
  return kept
}
