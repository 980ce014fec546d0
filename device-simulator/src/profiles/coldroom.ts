import { numberParam, onParam, setter } from '../commands.ts'
import { seedFor } from '../rng.ts'
import {
  clamp,
  createControl,
  cycle,
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

const COMPRESSOR_WATTS = 1_450
const FAN_WATTS = 65
const LAMP_WATTS = 20
const DEFROST_MS = 18 * MINUTE_MS
/** A defrost asked for by hand is a short one, so that whoever asked sees it end. */
const MANUAL_DEFROST_MS = 40 * SECOND_MS

interface Room {
  door: Schedule
  defrost: Schedule
  temperature: Signal
  humidity: Signal
  compressor: Signal
  setPoint: ReturnType<typeof createControl>
  led: ReturnType<typeof createControl>
  startDefrost(timeMs: number): void
}

function defrosting(device: number): { schedule: Schedule; start(timeMs: number): void } {
  const everySix = happenings(seedFor(device, 'defrost'), {
    slotMs: 6 * HOUR_MS,
    chance: 1,
    lastsMs: [DEFROST_MS, DEFROST_MS],
  })
  let manual: Span | undefined
  return {
    schedule: (t) => {
      const spans = everySix(t)
      if (!manual || t < manual.startMs) return spans
      return [...spans, manual].sort((a, b) => b.startMs - a.startMs)
    },
    start: (timeMs) => {
      manual = { startMs: timeMs, endMs: timeMs + MANUAL_DEFROST_MS, roll: 0 }
    },
  }
}

function room({ site, device }: ModelSeeds): Room {
  const seed = (label: string) => seedFor(device, label)
  const setPoint = createControl(3.5, 25 * MINUTE_MS)
  const led = createControl(0, 400)
  const outdoor = outdoorTemperature(site)
  const { schedule: defrost, start: startDefrost } = defrosting(device)
  const door = happenings(seed('door'), {
    slotMs: 25 * MINUTE_MS,
    chance: 0.6,
    lastsMs: [12 * SECOND_MS, 4 * MINUTE_MS],
  })
  const warmed: Signal = (t) => response(door(t), t, 4 * MINUTE_MS)
  const thawed: Signal = (t) => response(defrost(t), t, 9 * MINUTE_MS)
  const duty: Signal = (t) => 0.4 + 0.012 * (outdoor(t) - 12) + 0.3 * warmed(t)
  const cooling = cycle(seed('cooling'), { periodMs: 9 * MINUTE_MS, duty })
  const load = walk(seed('load'), { swing: 0.4, periodMs: 4 * HOUR_MS })
  const frost = walk(seed('frost'), { swing: 4, periodMs: 6 * HOUR_MS })
  return {
    door,
    defrost,
    setPoint,
    led,
    startDefrost,
    temperature: (t) =>
      setPoint.at(t) +
      0.6 * cooling(t).ripple +
      6 * warmed(t) +
      3 * thawed(t) +
      load(t) +
      noise(seed('t'), 0.04)(t),
    humidity: (t) => 82 - 4 * cooling(t).ripple + 10 * warmed(t) + frost(t) + noise(seed('h'), 0.4)(t),
    compressor: (t) => {
      const running = cooling(t).on && !ongoing(defrost(t), t)
      const watts = running ? COMPRESSOR_WATTS * (1 + 0.008 * (outdoor(t) - 12)) : FAN_WATTS
      return watts + LAMP_WATTS * led.at(t) + noise(seed('w'), running ? 14 : 1)(t)
    },
  }
}

function model(seeds: ModelSeeds): Model {
  const cold = room(seeds)
  const seed = (label: string) => seedFor(seeds.device, `sensor ${label}`)
  const temperature = sensor(seed('t'), cold.temperature, { decimals: 2, spike: 30 })
  const humidity = sensor(seed('h'), cold.humidity, { decimals: 1, spike: 30, min: 40, max: 99 })
  const power = sensor(seed('w'), cold.compressor, { decimals: 0, spike: 2_000, min: 0 })
  const used = drift(seed('battery'), { reach: 88, periodMs: 120 * DAY_MS })
  return {
    sample: (t) =>
      present({
        temperature: temperature(t),
        humidity: humidity(t),
        door: ongoing(cold.door(t), t) ? 'open' : 'closed',
        compressor: present({ power: power(t) }),
        defrost: ongoing(cold.defrost(t), t) !== undefined,
        battery: clamp(Math.round(100 - used(t)), 0, 100),
      }),
    commands: {
      'set-point': setter(numberParam('temperature', -25, 12), (temperature, timeMs) => {
        cold.setPoint.set(temperature, timeMs)
        return { temperature }
      }),
      'set-led': setter(onParam, (on, timeMs) => {
        cold.led.set(on ? 1 : 0, timeMs)
        return { on }
      }),
      defrost: () => ({
        takesMs: 4 * SECOND_MS,
        progressSteps: 3,
        finish: (timeMs) => {
          cold.startDefrost(timeMs)
          return { status: 'succeeded', result: { seconds: MANUAL_DEFROST_MS / SECOND_MS } }
        },
      }),
    },
  }
}

export const coldroom: Profile = {
  plan: (n) => ({
    id: `cold-room-${twoDigits(n)}`,
    name: `Cold room ${n}`,
    type: 'cold-room',
    tags: ['cold-chain'],
  }),
  model,
}
