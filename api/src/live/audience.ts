import type { DeviceSelection } from '../devices/ids.ts'
import { deviceOf, type HubEvent, isFleetEvent } from './events.ts'
import type { Reader } from './reader.ts'

/** Who gets which event. */
export class Audience {
  readonly #all = new Set<Reader>()
  readonly #fleet = new Set<Reader>()
  readonly #byDevice = new Map<string, Set<Reader>>()

  get size(): number {
    return this.#all.size
  }

  /** A copy: readers may leave while it is walked. */
  all(): Reader[] {
    return [...this.#all]
  }

  fleet(): Iterable<Reader> {
    return this.#fleet
  }

  add(reader: Reader): void {
    this.#all.add(reader)
    this.#enlist(reader)
  }

  /** False when it was not there. */
  remove(reader: Reader): boolean {
    if (!this.#all.delete(reader)) return false
    this.#delist(reader)
    return true
  }

  change(reader: Reader, selection: DeviceSelection): void {
    this.#delist(reader)
    reader.carry(selection)
    this.#enlist(reader)
  }

  of(event: HubEvent): Iterable<Reader> {
    const deviceId = deviceOf(event)
    if (deviceId === undefined) return this.#all
    const readers = this.#byDevice.get(deviceId)
    if (!isFleetEvent(event) || this.#fleet.size === 0) return readers ?? []
    return readers ? new Set([...readers, ...this.#fleet]) : this.#fleet
  }

  #enlist(reader: Reader): void {
    const { all, ids } = reader.selection
    if (all) this.#fleet.add(reader)
    for (const id of ids) {
      const readers = this.#byDevice.get(id)
      if (readers) readers.add(reader)
      else this.#byDevice.set(id, new Set([reader]))
    }
  }

  #delist(reader: Reader): void {
    this.#fleet.delete(reader)
    for (const id of reader.selection.ids) {
      const readers = this.#byDevice.get(id)
      readers?.delete(reader)
      if (readers?.size === 0) this.#byDevice.delete(id)
    }
  }
}
