import type { DeviceSource } from './hub.ts'
import { liveLimits } from './limits.ts'
import { tooManyStreams } from './places.ts'

interface Watch {
  readers: number
  isSubscribed: boolean
  /** The number of the event since which nothing of this device was missed unsaid; infinite until that is known. */
  sinceSeq: number
  /** Of those who wait for the subscription. */
  waiters: Set<() => void>
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
    if (this.areReady(ids)) return true
    // Waited for in vain already.
    if (this.#unsubscribed(ids).every(({ sinceSeq }) => Number.isFinite(sinceSeq))) return false
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        forget()
        this.#giveUp(ids)
        resolve(false)
      }, liveLimits.watchTimeoutMs)
      const forget = this.whenReady(ids, () => {
        clearTimeout(timer)
        resolve(true)
      })
    })
  }

  areReady(ids: string[]): boolean {
    return this.#unsubscribed(ids).length === 0
  }

  /** Calls `onReady` once, when all are subscribed, unless the returned function is called first. */
  whenReady(ids: string[], onReady: () => void): () => void {
    let forget = () => {}
    let i = 0
    // Waits in one place at a time: a broker that is away must not cost memory for each device of each reader.
    const next = () => {
      while (i < ids.length && this.#watches.get(ids[i] ?? '')?.isSubscribed !== false) i++
      const watch = this.#watches.get(ids[i] ?? '')
      if (!watch) return onReady()
      watch.waiters.add(next)
      forget = () => watch.waiters.delete(next)
    }
    next()
    return () => forget()
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

  #unsubscribed(ids: string[]): Watch[] {
    return ids.map((id) => this.#watches.get(id)).filter((watch) => watch?.isSubscribed === false) as Watch[]
  }

  /** Whoever has an older id is told once that it missed something, and again when the broker has answered. */
  #giveUp(ids: string[]): void {
    const seq = this.#mark()
    for (const watch of this.#unsubscribed(ids)) watch.sinceSeq = Math.min(watch.sinceSeq, seq)
  }

  #hold(id: string): void {
    const watch = this.#watches.get(id) ?? this.#begin(id)
    watch.readers++
    clearTimeout(watch.linger)
  }

  #begin(id: string): Watch {
    const watch: Watch = {
      readers: 0,
      isSubscribed: false,
      sinceSeq: Number.POSITIVE_INFINITY,
      waiters: new Set(),
      linger: undefined,
    }
    this.#watches.set(id, watch)
    this.#source.watch(id, () => {
      watch.isSubscribed = true
      watch.sinceSeq = this.#mark()
      const waiters = [...watch.waiters]
      watch.waiters.clear()
      for (const onReady of waiters) onReady()
    })
    return watch
  }

  #drop(id: string): void {
    this.#watches.delete(id)
    this.#source.unwatch(id)
  }
}
