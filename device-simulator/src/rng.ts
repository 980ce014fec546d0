/**
 * Seeded randomness: mulberry32 by Tommy Ettinger (public domain, 2017), a 32-bit counter put through a mixer.
 * Because it is a counter, its n-th output can be had without the n − 1 before it: `unitAt` is what makes every
 * signal a pure function of time, whatever was sampled before.
 */

const INCREMENT = 0x6d2b79f5
const TWO_TO_32 = 4_294_967_296

/** The n-th number in [0, 1) of the stream `seed`. `n` is an integer; only its low 32 bits count. */
export function unitAt(seed: number, n: number): number {
  let mixed = (seed + Math.imul(n, INCREMENT)) | 0
  mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) / TWO_TO_32
}

/** The n-th draw of the standard normal distribution (Box–Muller) of the stream `seed`. */
export function normalAt(seed: number, n: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - unitAt(seed, 2 * n)))
  return radius * Math.cos(2 * Math.PI * unitAt(seed, 2 * n + 1))
}

/** A seed of its own for each thing that needs one (FNV-1a over the label), so that adding one moves no other. */
export function seedFor(seed: number, label: string): number {
  let hash = 0x811c9dc5 ^ seed
  for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193)
  return hash | 0
}

export interface Rng {
  /** In [0, 1). */
  unit(): number
  /** In [min, max). */
  between(min: number, max: number): number
  chance(probability: number): boolean
  pick<T>(items: readonly [T, ...T[]]): T
}

export function createRng(seed: number): Rng {
  let n = 0
  const unit = () => unitAt(seed, ++n)
  return {
    unit,
    between: (min, max) => min + unit() * (max - min),
    chance: (probability) => unit() < probability,
    pick: (items) => items[Math.floor(unit() * items.length)] ?? items[0],
  }
}
