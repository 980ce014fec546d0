import { numberParam, onParam, setter } from '../commands.ts'
import { seedFor } from '../rng.ts'
import {
  clamp,
  createControl,
  cycle,
  DAY_MS,
  daylight,
  drift,
  HOUR_MS,
  MINUTE_MS,
  noise,
  type Signal,
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

/** Photon flux in µmol/m²s. */
const SUN_PEAK = 1_100
const LED_FLUX = 180
/** Degrees a bay gains in full sun with closed vents. */
const SOLAR_GAIN = 9
/** The vent starts to open this far above the set-point and is fully open three degrees later. */
const VENT_MARGIN = 1.5

interface Bay {
  light: Signal
  temperature: Signal
  humidity: Signal
  co2: Signal
  moisture: Signal
  /** 0 closed … 1 open. */
  vent: Signal
  setPoint: ReturnType<typeof createControl>
  led: ReturnType<typeof createControl>
}

function climate({ site, device }: ModelSeeds): Bay {
  const seed = (label: string) => seedFor(device, label)
  const setPoint = createControl(20, 12 * MINUTE_MS)
  const led = createControl(0, 400)
  const sun = daylight({ riseHour: 6, setHour: 20, peak: 1 })
  const clouds = walk(seedFor(site, 'clouds'), { swing: 0.4, periodMs: 40 * MINUTE_MS })
  const sunlight: Signal = (t) => sun(t) * clamp(0.75 + clouds(t), 0.15, 1)
  const outdoor = outdoorTemperature(site)
  const corner = walk(seed('corner'), { swing: 0.8, periodMs: 3 * HOUR_MS })
  const heating = cycle(seed('heating'), { periodMs: 11 * MINUTE_MS, duty: () => 0.45 })

  const unvented: Signal = (t) =>
    setPoint.at(t) + 0.12 * (outdoor(t) - 12) + SOLAR_GAIN * sunlight(t) + corner(t)
  const vent: Signal = (t) => clamp((unvented(t) - setPoint.at(t) - VENT_MARGIN) / 3, 0, 1)
  const dusk: Signal = (t) => 1 - sun(t)
  const temperature: Signal = (t) =>
    unvented(t) - 4.5 * vent(t) - 0.35 * dusk(t) * heating(t).ripple + noise(seed('t'), 0.06)(t)
  const damp = walk(seed('damp'), { swing: 5, periodMs: 5 * HOUR_MS })
  const growth = walk(seed('growth'), { swing: 25, periodMs: 2 * HOUR_MS })
  const watering = drift(seed('watering'), { reach: 11, periodMs: 9 * HOUR_MS })
  const soil = walk(seed('soil'), { swing: 3, periodMs: 3 * DAY_MS })
  return {
    setPoint,
    led,
    vent,
    temperature,
    light: (t) => SUN_PEAK * sunlight(t) + LED_FLUX * led.at(t) + noise(seed('l'), 2)(t),
    humidity: (t) => 78 - 2 * (temperature(t) - 20) - 8 * vent(t) + damp(t) + noise(seed('h'), 0.3)(t),
    co2: (t) => 430 + (1 - vent(t)) * (190 + 320 * sun(t) ** 0.5) + growth(t) + noise(seed('c'), 4)(t),
    moisture: (t) => 44 - watering(t) + soil(t) + noise(seed('m'), 0.05)(t),
  }
}

function ventText(share: number): string {
  if (share < 0.05) return 'closed'
  return share > 0.95 ? 'open' : 'half-open'
}

function model(seeds: ModelSeeds): Model {
  const bay = climate(seeds)
  const seed = (label: string) => seedFor(seeds.device, `sensor ${label}`)
  const temperature = sensor(seed('t'), bay.temperature, { decimals: 2, spike: 25 })
  const humidity = sensor(seed('h'), bay.humidity, { decimals: 1, spike: 40, min: 20, max: 99 })
  const co2 = sensor(seed('c'), bay.co2, { decimals: 0, spike: 1_500, min: 380 })
  const moisture = sensor(seed('m'), bay.moisture, { decimals: 1, spike: 30, min: 5, max: 60 })
  const light = sensor(seed('l'), bay.light, { decimals: 0, spike: 600, min: 0 })
  return {
    sample: (t) =>
      present({
        temperature: temperature(t),
        humidity: humidity(t),
        co2: co2(t),
        soil: present({ moisture: moisture(t) }),
        light: light(t),
        vent: ventText(bay.vent(t)),
      }),
    commands: {
      'set-point': setter(numberParam('temperature', 8, 32), (temperature, timeMs) => {
        bay.setPoint.set(temperature, timeMs)
        return { temperature }
      }),
      'set-led': setter(onParam, (on, timeMs) => {
        bay.led.set(on ? 1 : 0, timeMs)
        return { on }
      }),
    },
  }
}

export const greenhouse: Profile = {
  plan: (n) => ({
    id: `bay-${twoDigits(n)}`,
    name: `Bay ${n} climate`,
    type: 'greenhouse-climate',
    tags: [n % 2 === 1 ? 'greenhouse/north' : 'greenhouse/south'],
  }),
  model,
}
