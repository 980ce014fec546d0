/** How many happened since the last one told, itself included. */
type Tell<T> = (newest: T, count: number) => void

/**
 * At most one event of a key in a while: the first at once, and the newest of those that followed when the time is up.
 * What a device repeats a thousand times a second becomes one event a second for everybody who watches the fleet.
 */
export class Coalescing<T> {
  readonly #tell: Tell<T>
  readonly #ms: number
  readonly #onError: (error: unknown) => void
  /** Of keys told lately: what came since. */
  readonly #since = new Map<string, { newest: T | undefined; count: number }>()

  /** @param onError what went wrong when nobody waited for it: an error of a timer would end the process */
  constructor(ms: number, { tell, onError }: { tell: Tell<T>; onError: (error: unknown) => void }) {
    this.#ms = ms
    this.#tell = tell
    this.#onError = onError
  }

  add(key: string, event: T): void {
    const since = this.#since.get(key)
    if (!since) return this.#begin(key, event, 1)
    since.newest = event
    since.count++
  }

  #begin(key: string, event: T, count: number): void {
    this.#since.set(key, { newest: undefined, count: 0 })
    setTimeout(() => this.#end(key), this.#ms).unref()
    this.#tell(event, count)
  }

  #end(key: string): void {
    const { newest, count } = this.#since.get(key) ?? {}
    this.#since.delete(key)
    if (newest === undefined || count === undefined) return
    try {
      this.#begin(key, newest, count)
    } catch (error) {
      this.#onError(error)
    }
  }
}
