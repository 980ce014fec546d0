import { limits } from '@telltale/infra/limits'
import type { Series } from '@telltale/infra/storage/series'

const NONE: ReadonlyMap<string, Series> = new Map()

/**
 * Series of the devices heard lately, true as of the deletion `asOf`: whoever uses it first asks the database whether
 * a device was deleted since (`readStorageClock`), so a device made again never meets the ids of its former life.
 */
export class SeriesCache {
  readonly #byDevice = new Map<string, Map<string, Series>>()
  #asOf: number | undefined

  /** The newest deletion it knows of; undefined before the first look. */
  get asOf(): number | undefined {
    return this.#asOf
  }

  of(deviceId: string): ReadonlyMap<string, Series> {
    return this.#byDevice.get(deviceId) ?? NONE
  }

  /** The device was heard: of many, the ones not heard for longest are forgotten first. */
  touch(deviceId: string): void {
    // Far from full nobody is forgotten, and the order does not matter.
    if (this.#byDevice.size < limits.series.cachedDevicesMax / 2) return
    const known = this.#byDevice.get(deviceId)
    if (!known) return
    this.#byDevice.delete(deviceId)
    this.#byDevice.set(deviceId, known)
  }

  add(deviceId: string, metric: string, series: Series): void {
    const known = this.#byDevice.get(deviceId)
    if (known) {
      known.set(metric, series)
      return
    }
    if (this.#byDevice.size >= limits.series.cachedDevicesMax) this.#forgetOldest()
    this.#byDevice.set(deviceId, new Map([[metric, series]]))
  }

  /** These devices were deleted up to the deletion `asOf`. */
  forget(deviceIds: string[], asOf: number): void {
    for (const deviceId of deviceIds) this.#byDevice.delete(deviceId)
    this.#asOf = Math.max(asOf, this.#asOf ?? 0)
  }

  #forgetOldest(): void {
    for (const deviceId of this.#byDevice.keys()) {
      this.#byDevice.delete(deviceId)
      return
    }
  }
}
