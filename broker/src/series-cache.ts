import { limits } from '@telltale/infra/limits'
import type { Series } from '@telltale/infra/storage/series'

/**
 * Series of the devices heard lately. Forgotten at each connect, so a device deleted and made again never meets the
 * ids of its former life.
 */
export class SeriesCache {
  readonly #byDevice = new Map<string, Map<string, Series>>()

  of(deviceId: string): Map<string, Series> {
    const known = this.#byDevice.get(deviceId)
    if (known) return known
    if (this.#byDevice.size >= limits.series.cachedDevicesMax) this.#forgetOldest()
    const fresh = new Map<string, Series>()
    this.#byDevice.set(deviceId, fresh)
    return fresh
  }

  forget(deviceId: string): void {
    this.#byDevice.delete(deviceId)
  }

  #forgetOldest(): void {
    for (const deviceId of this.#byDevice.keys()) {
      this.#byDevice.delete(deviceId)
      return
    }
  }
}
