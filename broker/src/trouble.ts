import type { Logger } from '@telltale/infra/log'
import { isTransient } from '@telltale/infra/storage/errors'

/**
 * What is done again and again fails as often while the database is away: that it began is one line of the log, and
 * that it is over, with how often it failed, another. What does not pass by itself is told each time.
 */
export class Trouble {
  readonly #log: Logger
  readonly #what: string
  readonly #passes: (err: unknown) => boolean
  #failures = 0
  #sinceMs = 0

  /**
   * @param what as a sentence: `presence could not be written; trying again`
   * @param passes which failures end by themselves; as a rule those of a database that is away
   */
  constructor(log: Logger, what: string, passes: (err: unknown) => boolean = isTransient) {
    this.#log = log
    this.#what = what
    this.#passes = passes
  }

  failed(err: unknown, fields: object = {}): void {
    if (!this.#passes(err)) return this.#log.warn({ err, ...fields }, this.#what)
    if (this.#failures++ > 0) return
    this.#sinceMs = performance.now()
    this.#log.warn({ err, ...fields }, this.#what)
  }

  /** One failure alone needs no end. */
  worked(): void {
    if (this.#failures === 0) return
    const failures = this.#failures
    this.#failures = 0
    if (failures === 1) return
    const forMs = Math.round(performance.now() - this.#sinceMs)
    this.#log.info({ failures, forMs }, `over: ${this.#what}`)
  }
}
