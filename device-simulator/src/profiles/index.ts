import { seedFor } from '../rng.ts'
import { coldroom } from './coldroom.ts'
import { greenhouse } from './greenhouse.ts'
import type { DevicePlan, Model, Profile } from './profile.ts'
import { pumps } from './pumps.ts'

const profiles: Record<string, readonly [Profile, ...Profile[]]> = {
  greenhouse: [greenhouse],
  coldroom: [coldroom],
  pumps: [pumps],
  mixed: [greenhouse, coldroom, pumps],
}

export const profileNames = Object.keys(profiles)

export interface PlannedDevice extends DevicePlan {
  model: Model
}

/** The devices of a fleet, in order. Ids and signals of the first n do not depend on how many follow. */
export function planFleet(wish: {
  profile: string
  devices: number
  seed: number
  prefix?: string | undefined
}): PlannedDevice[] {
  const cycle = cycleOf(wish.profile)
  return Array.from({ length: wish.devices }, (_, i) => {
    const profile = cycle[i % cycle.length] ?? cycle[0]
    const plan = profile.plan(Math.floor(i / cycle.length) + 1)
    const seeds = { site: seedFor(wish.seed, 'site'), device: seedFor(wish.seed, plan.id) }
    return { ...plan, id: withPrefix(plan.id, wish.prefix), model: profile.model(seeds) }
  })
}

/** The longest id that a fleet of this size can have. */
export function longestId(wish: { profile: string; devices: number; prefix: string }): string {
  const ids = cycleOf(wish.profile).map((profile) => profile.plan(wish.devices).id)
  return withPrefix(
    ids.reduce((longest, id) => (id.length > longest.length ? id : longest)),
    wish.prefix,
  )
}

function cycleOf(profile: string): readonly [Profile, ...Profile[]] {
  const cycle = profiles[profile]
  if (!cycle) throw new Error(`There is no profile ${profile}: use one of ${profileNames.join(', ')}.`)
  return cycle
}

function withPrefix(id: string, prefix: string | undefined): string {
  return prefix === undefined ? id : `${prefix}-${id}`
}
