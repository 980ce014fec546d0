/** All devices of one run: secrets, a paced start, totals, an orderly stop. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createChaos, noChaos } from './chaos.ts'
import type { Registrar } from './credentials.ts'
import { VirtualDevice } from './device.ts'
import * as limits from './limits.ts'
import type { Message } from './link.ts'
import type { Options } from './options.ts'
import { type PlannedDevice, planFleet } from './profiles/index.ts'
import { createRng, seedFor } from './rng.ts'
import { createTotals, type Totals } from './totals.ts'

export interface FleetDeps {
  options: Options
  registrar: Registrar
  signal: AbortSignal
  onMessage(deviceId: string, message: Message): void
}

interface FleetState {
  registered: number
  online: number
  backlog: number
  lastProblem: string | undefined
}

export interface Fleet {
  readonly totals: Totals
  state(): FleetState
  /** Resolves when every device has been started; rejects when one got no secret. */
  start(): Promise<void>
  /** Resolves when every device said goodbye, or at the deadline. */
  stop(): Promise<void>
}

export function createFleet(deps: FleetDeps): Fleet {
  const devices: VirtualDevice[] = []
  const totals = createTotals()
  let lastProblem: string | undefined
  const onProblem = (problem: string) => {
    lastProblem = problem
  }
  const build = (plan: PlannedDevice, secret: string) =>
    createDevice(deps, { plan, secret, totals, onProblem })
  return {
    totals,
    state: () => ({
      registered: devices.length,
      online: devices.filter((device) => device.connected).length,
      backlog: devices.reduce((total, device) => total + device.backlogSize, 0),
      lastProblem,
    }),
    async start() {
      const { signal, registrar } = deps
      const secrets = planFleet(deps.options).map((plan) => ({ plan, secret: registrar.secretFor(plan) }))
      // The first failure is reported by the await below; the others, already under way, would be unhandled.
      for (const { secret } of secrets) secret.catch(() => {})
      for (const { plan, secret } of secrets) {
        const device = build(plan, await secret)
        signal.throwIfAborted()
        devices.push(device)
        device.start()
        await sleep(1_000 / limits.connectsPerSecondMax, undefined, { signal })
      }
    },
    async stop() {
      const goodbyes = Promise.all(devices.map((device) => device.stop()))
      await Promise.race([goodbyes, sleep(limits.stopDeadlineMs, undefined, { ref: false })])
    },
  }
}

function createDevice(
  { options, registrar, onMessage }: FleetDeps,
  own: { plan: PlannedDevice; secret: string; totals: Totals; onProblem(problem: string): void },
): VirtualDevice {
  const seed = seedFor(options.seed, own.plan.id)
  return new VirtualDevice({
    ...own,
    mqttUrl: options.mqttUrl,
    intervalMs: options.intervalMs,
    rng: createRng(seedFor(seed, 'timing')),
    chaos: options.chaos ? createChaos(createRng(seedFor(seed, 'chaos'))) : noChaos,
    renewSecret: () => registrar.renew(own.plan),
    onMessage,
  })
}
