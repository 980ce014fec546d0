import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '@telltale/infra/limits'
import { type DeviceCredentials, findDeviceCredentials } from '@telltale/infra/storage/credentials'
import { DatabaseAway, type PromptDatabase } from './prompt-database.ts'

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
  readonly #database: PromptDatabase
  #waiting: Wanted[] = []
  #isLooking = false

  constructor(database: PromptDatabase) {
    this.#database = database
  }

  /**
   * @returns undefined for a device nobody registered
   * @throws DatabaseAway
   */
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
        const ids = [...new Set(wanted.map(({ deviceId }) => deviceId))]
        const found = await this.#database.ask((pool) => findDeviceCredentials(pool, ids))
        for (const { deviceId, resolve } of wanted) resolve(found.get(deviceId))
      } catch (error) {
        // Nobody is looked up: nobody has to wait for his turn.
        if (error instanceof DatabaseAway) wanted.push(...this.#waiting.splice(0))
        for (const { reject } of wanted) reject(error)
        if (error instanceof DatabaseAway) continue
      }
      // One that comes alone does not wait for it.
      await sleep(Math.max(0, lookupEveryMs - (performance.now() - startedMs)))
    }
    this.#isLooking = false
  }
}
