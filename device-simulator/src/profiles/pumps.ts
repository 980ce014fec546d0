import { numberParam, onParam, setter } from '../commands.ts'
import { seedFor } from '../rng.ts'
import {
  createControl,
  DAY_MS,
  drift,
  HOUR_MS,
  happenings,
  MINUTE_MS,
  noise,
  ongoing,
  response,
  type Schedule,
  SECOND_MS,
  type Signal,
  type Span,
  sensor,
  walk,
} from '../signals.ts'
import {
  type Model,
  type ModelSeeds,
  outdoorTemperature,
  type Profile,
  present,
  twoDigits,
} from './profile.ts'

const RATED_RPM = 2_900
/** Litres a minute and bar at the rated speed. */
const RATED_FLOW = 140
const RATED_PRESSURE = 4.2
/** Bar that the column of water above the pump leaves when it stands. */
const STATIC_PRESSURE = 0.6
/** Degrees a motor gains in a long run. */
const MOTOR_RISE = 44
const MOTOR_TIME_CONSTANT_MS = 11 * MINUTE_MS
const SPIN_UP_MS = 2 * SECOND_MS
/** Past runs that still warm the motor. */
const SPANS_KEPT = 5

/** Irrigation runs on a plan until somebody switches by hand. */
function runs(device: number): { schedule: Schedule; switchTo(on: boolean, timeMs: number): void } {
  const planned = happenings(seedFor(device, 'run'), {
    slotMs: 40 * MINUTE_MS,
    chance: 0.75,
    lastsMs: [8 * MINUTE_MS, 28 * MINUTE_MS],
  })
  let manual: readonly Span[] | undefined
  const schedule: Schedule = (t) => manual ?? planned(t)
  return {
    schedule,
    switchTo(on, timeMs) {
      const [newest, ...older] = schedule(timeMs)
      const past = newest ? [{ ...newest, endMs: Math.min(newest.endMs, timeMs) }, ...older] : []
      manual = on ? [{ startMs: timeMs, endMs: Infinity, roll: 0 }, ...past].slice(0, SPANS_KEPT) : past
    },
  }
}

interface Pump {
  running: (timeMs: number) => boolean
  rpm: Signal
  flow: Signal
  pressure: Signal
  motor: Signal
  speed: ReturnType<typeof createControl>
  switchTo(on: boolean, timeMs: number): void
}

function pump({ site, device }: ModelSeeds): Pump {
  const seed = (label: string) => seedFor(device, label)
  const speed = createControl(RATED_RPM, 3 * SECOND_MS)
  const { schedule, switchTo } = runs(device)
  const outdoor = outdoorTemperature(site)
  const slip = walk(seed('slip'), { swing: 0.01, periodMs: 20 * MINUTE_MS })
  // A filter clogs for three weeks until somebody cleans it: less flow, more pressure.
  const clogged = drift(seed('filter'), { reach: 0.16, periodMs: 21 * DAY_MS })
  const demand = walk(seed('demand'), { swing: 0.05, periodMs: HOUR_MS })
  const share: Signal = (t) => {
    const spin = response(schedule(t), t, SPIN_UP_MS)
    return ((speed.at(t) * (1 + slip(t))) / RATED_RPM) * spin
  }
  return {
    speed,
    switchTo,
    running: (t) => ongoing(schedule(t), t) !== undefined,
    rpm: (t) => RATED_RPM * share(t) + share(t) * noise(seed('r'), 6)(t),
    // Affinity laws: flow follows the speed, pressure its square.
    flow: (t) => RATED_FLOW * share(t) * (1 - clogged(t) + demand(t)) + share(t) * noise(seed('f'), 0.8)(t),
    pressure: (t) =>
      STATIC_PRESSURE +
      (RATED_PRESSURE - STATIC_PRESSURE) * share(t) ** 2 * (1 + 0.5 * clogged(t) - demand(t)) +
      noise(seed('p'), 0.015)(t),
    motor: (t) =>
      outdoor(t) +
      4 +
      MOTOR_RISE * (speed.at(t) / RATED_RPM) ** 2 * response(schedule(t), t, MOTOR_TIME_CONSTANT_MS) +
      noise(seed('m'), 0.1)(t),
  }
}

function model(seeds: ModelSeeds): Model {
  const unit = pump(seeds)
  const seed = (label: string) => seedFor(seeds.device, `sensor ${label}`)
  const pressure = sensor(seed('p'), unit.pressure, { decimals: 3, spike: 5, min: 0 })
  const flow = sensor(seed('f'), unit.flow, { decimals: 1, spike: 90, min: 0 })
  const motor = sensor(seed('m'), unit.motor, { decimals: 1, spike: 60 })
  const rpm = sensor(seed('r'), unit.rpm, { decimals: 0, spike: 1_500, min: 0 })
  return {
    sample: (t) =>
      present({
        pressure: pressure(t),
        flow: flow(t),
        motor: present({ temperature: motor(t) }),
        running: unit.running(t),
        rpm: rpm(t),
      }),
    commands: {
      'set-running': setter(onParam, (on, timeMs) => {
        unit.switchTo(on, timeMs)
        return { on }
      }),
      'set-point': setter(numberParam('rpm', 600, RATED_RPM), (rpm, timeMs) => {
        unit.speed.set(rpm, timeMs)
        return { rpm }
      }),
    },
  }
}

export const pumps: Profile = {
  plan: (n) => ({
    id: `pump-irr-${twoDigits(n)}`,
    name: `Irrigation pump ${n}`,
    type: 'pump',
    tags: ['pumps', 'irrigation'],
  }),
  model,
}
