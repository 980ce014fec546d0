/** What goes wrong on a bad site, drawn from the device's own seeded stream: the same seed breaks the same way. */
import { payloadLimits } from '@telltale/broker/contract'
import type { Rng } from './rng.ts'

/** What happens at one tick of a device's clock. */
export type Mishap = 'none' | 'cut' | 'silence' | 'duplicate' | 'garbage'

export interface Chaos {
  /** How wrong this device's clock is. */
  skewMs: number
  next(): Mishap
  /** Ticks a silence lasts. */
  silenceTicks(): number
  /** A payload no broker should store. */
  garbage(nowMs: number): string
  /** Why an actuator did not do what it was told, now and then. */
  sabotage(): string | undefined
}

/** Chances a tick: with 200 devices at 1 s, a cut every few seconds somewhere in the fleet. */
const CUT = 0.002
const SILENCE = 0.001
const DUPLICATE = 0.01
const GARBAGE = 0.004
const SABOTAGE = 0.15
const SKEWED_CLOCKS = 0.08
/** Beyond the contract's five minutes into the future, so that some of it is quarantined. */
const SKEW_MAX_MS = 10 * 60_000

export const noChaos: Chaos = {
  skewMs: 0,
  next: () => 'none',
  silenceTicks: () => 0,
  garbage: () => '',
  sabotage: () => undefined,
}

export function createChaos(rng: Rng): Chaos {
  const skewMs = rng.chance(SKEWED_CLOCKS) ? Math.round(rng.between(-SKEW_MAX_MS, SKEW_MAX_MS)) : 0
  return {
    skewMs,
    next() {
      const draw = rng.unit()
      if (draw < CUT) return 'cut'
      if (draw < CUT + SILENCE) return 'silence'
      if (draw < CUT + SILENCE + DUPLICATE) return 'duplicate'
      return draw < CUT + SILENCE + DUPLICATE + GARBAGE ? 'garbage' : 'none'
    },
    silenceTicks: () => Math.round(rng.between(8, 60)),
    garbage: (nowMs) => garbage(rng, nowMs),
    sabotage: () =>
      rng.chance(SABOTAGE)
        ? rng.pick(['actuator did not answer', 'interlock open', 'motor overload'])
        : undefined,
  }
}

function garbage(rng: Rng, nowMs: number): string {
  const crowd = Array.from({ length: payloadLimits.metricsPerMessageMax + 44 }, (_, i) => [`m${i}`, i])
  return rng.pick([
    '{"temperature":NaN}',
    `{"ts":${nowMs},"values":{"temperature":21.`,
    '{"ts":915148800000,"values":{"temperature":21.5}}',
    '{"temperature":1e400}',
    '{"temperature":null}',
    '\u0000\u0001\u0002',
    JSON.stringify({ ts: nowMs, values: Object.fromEntries(crowd) }),
    JSON.stringify({ ts: nowMs, values: { text: 'x'.repeat(payloadLimits.stringBytesMax + 1) } }),
  ])
}
