import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '@telltale/infra/limits'
import { type DeviceCredentials, findDeviceCredentials } from '@telltale/infra/storage/credentials'
import type { Pool } from '@telltale/infra/storage/pool'

interface Wanted {
  deviceId: string
  resolve: (found: DeviceCredentials | undefined) => void
  reject: (error: unknown) => void
}

const { lookupsMax, lookupEveryMs } = limits.signIns

/**
 * Credentials of devices that connect: looked up many at a time, and so many a second, so that a fleet that comes back
 * all at once neither floods the database nor keeps those from being served who are connected already.
 */
export class CredentialLookup {
  readonly #pool: Pool
  #waiting: Wanted[] = []
  #isLooking = false

  constructor(pool: Pool) {
    this.#pool = pool
  }

  /** @returns undefined for a device nobody registered */
  find(deviceId: string): Promise<DeviceCredentials | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ deviceId, resolve, reject })
      if (!this.#isLooking) void this.#lookUp()
    })
  }

  async #lookUp(): Promise<void> {
    this.#isLooking = true
    while (this.#waiting.length > 0) {
      const startedMs = performance.now()
      const wanted = this.#waiting.splice(0, lookupsMax)
      try {
        const found = await findDeviceCredentials(this.#pool, [
          ...new Set(wanted.map(({ deviceId }) => deviceId)),
        ])
        for (const { deviceId, resolve } of wanted) resolve(found.get(deviceId))
      } catch (error) {
        for (const { reject } of wanted) reject(error)
      }
      // One that comes alone does not wait for it.
      await sleep(Math.max(0, lookupEveryMs - (performance.now() - startedMs)))
    }
    this.#isLooking = false
  }
}
