import type { DeviceSource } from './hub.ts'
import { liveLimits } from './limits.ts'
import { tooManyStreams } from './places.ts'

interface Watch {
  readers: number
  ready: Promise<void>
  /** The number of the event since which nothing of this device was missed; infinite until subscribed. */
  sinceSeq: number
  linger: NodeJS.Timeout | undefined
}

/** Which devices are subscribed at the broker: while somebody reads them, and a little longer. */
export class Watches {
  readonly #source: DeviceSource
  /** Takes a number in the ring for "from here on". */
  readonly #mark: () => number
  readonly #watches = new Map<string, Watch>()

  constructor(source: DeviceSource, mark: () => number) {
    this.#source = source
    this.#mark = mark
  }

  /**
   * Keeps the devices subscribed until `release`.
   * @throws ProblemError too_many_streams when the process watches too many devices
   */
  hold(ids: string[]): void {
    const added = ids.filter((id) => !this.#watches.has(id)).length
    if (this.#watches.size + added > liveLimits.watchedDevicesMax) throw tooManyStreams()
    for (const id of ids) this.#hold(id)
  }

  /** True when all are subscribed, false when the broker did not answer in time. */
  async ready(ids: string[]): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, liveLimits.watchTimeoutMs, false)
    })
    const ready = this.allReady(ids).then(() => true)
    return Promise.race([ready, late]).finally(() => clearTimeout(timer))
  }

  async allReady(ids: string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#watches.get(id)?.ready))
  }

  release(ids: string[]): void {
    for (const id of ids) {
      const watch = this.#watches.get(id)
      if (!watch || --watch.readers > 0) continue
      watch.linger = setTimeout(() => this.#drop(id), liveLimits.lingerMs).unref()
    }
  }

  /** The latest beginning of an unbroken watch among these devices. */
  unbrokenSince(ids: string[]): number {
    return Math.max(0, ...ids.map((id) => this.#watches.get(id)?.sinceSeq ?? Number.POSITIVE_INFINITY))
  }

  stop(): void {
    for (const { linger } of this.#watches.values()) clearTimeout(linger)
    this.#watches.clear()
  }

  #hold(id: string): void {
    const watch = this.#watches.get(id) ?? this.#begin(id)
    watch.readers++
    clearTimeout(watch.linger)
  }

  #begin(id: string): Watch {
    const watch: Watch = {
      readers: 0,
      ready: this.#source.watch(id).then(() => {
        watch.sinceSeq = this.#mark()
      }),
      sinceSeq: Number.POSITIVE_INFINITY,
      linger: undefined,
    }
    this.#watches.set(id, watch)
    return watch
  }

  #drop(id: string): void {
    this.#watches.delete(id)
    this.#source.unwatch(id)
  }
}
