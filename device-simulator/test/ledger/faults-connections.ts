import { setTimeout as sleep } from 'node:timers/promises'
import { between, type Fault } from './fault.ts'
import type { World } from './world.ts'

const TROUBLED_MS = [3_000, 15_000] as const
const TAKEOVERS = 10

export const connectionFaults: readonly Fault[] = [
  {
    name: 'all connections are reset',
    group: 'connections',
    needs: 'cutting proxy',
    run: async ({ cuttingProxy }) => cuttingProxy?.cut('reset'),
  },
  {
    name: 'all connections end',
    group: 'connections',
    needs: 'cutting proxy',
    run: async ({ cuttingProxy }) => cuttingProxy?.cut('fin'),
  },
  {
    name: 'connections are cut, silent, late and splintered',
    group: 'connections',
    needs: 'cutting proxy',
    async run({ cuttingProxy }, random) {
      cuttingProxy?.disturb()
      await sleep(between(random, ...TROUBLED_MS))
      cuttingProxy?.calm()
    },
  },
  {
    name: 'devices connect twice, again and again',
    group: 'connections',
    run: (world, random) => takeoverStorm(world, random, TAKEOVERS),
  },
]

/** A third of the devices, each time others. */
export async function takeoverStorm({ load }: World, random: () => number, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    if (i > 0) await sleep(between(random, 50, 800))
    for (const device of load.devices) if (random() < 1 / 3) device.takeOver()
  }
}
