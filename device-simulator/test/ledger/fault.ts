import type { World } from './world.ts'

export const FAULT_GROUPS = ['processes', 'database', 'redis', 'connections'] as const
export type FaultGroup = (typeof FAULT_GROUPS)[number]

/** Something that may go wrong while devices send. */
export interface Fault {
  name: string
  group: FaultGroup
  /** What it needs beyond the product; without it the fault is left out. */
  needs?: 'own server' | 'redis' | 'cutting proxy'
  /** A program of the product does not outlive it. */
  endsProgram?: boolean
  /** Returns when the fault is over: from then on recovery is timed. Every choice of its own comes from `random`. */
  run(world: World, random: () => number): Promise<void>
}

/** A whole number from `least` to `most`, both included. */
export function between(random: () => number, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1))
}
