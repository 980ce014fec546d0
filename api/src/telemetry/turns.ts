import { limits } from '@telltale/infra/limits'
import { ProblemError } from '../problems.ts'

const { connectionsMax, waitMs, busyShareMin, busyTimeShare, restMsMax } = limits.history
const RETRY_AFTER_S = 5

interface Waiting {
  start: () => void
  isGivenUp: boolean
}

/**
 * Who may ask the database for history now. While ingest is at ease several at a time; while it needs all the
 * database can give, one at a time, and after each a rest several times as long: however many charts of however many
 * years are asked for, devices get their acknowledgements.
 */
export class Turns {
  readonly #ingestShare: () => number
  readonly #queue: Waiting[] = []
  #running = 0
  #restUntilMs = 0
  #timer: NodeJS.Timeout | undefined

  /** @param ingestShare share of its time that the busiest broker's writer works at full capacity, 0 to 1 */
  constructor(ingestShare: () => number) {
    this.#ingestShare = ingestShare
  }

  /** @throws ProblemError history_busy when its turn does not come in time */
  async run<T>(work: () => Promise<T>, patienceMs: number = waitMs): Promise<T> {
    await this.#turn(patienceMs)
    const startedMs = performance.now()
    try {
      return await work()
    } finally {
      this.#running--
      if (this.#isIngestBusy()) {
        const tookMs = performance.now() - startedMs
        this.#restUntilMs = performance.now() + Math.min(restMsMax, tookMs * (1 / busyTimeShare - 1))
      }
      this.#next()
    }
  }

  #isIngestBusy(): boolean {
    return this.#ingestShare() >= busyShareMin
  }

  async #turn(patienceMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const waiting: Waiting = { start: resolve, isGivenUp: false }
      const timer = setTimeout(() => {
        waiting.isGivenUp = true
        reject(new ProblemError('history_busy', { retryAfterS: RETRY_AFTER_S }))
      }, patienceMs)
      waiting.start = () => {
        clearTimeout(timer)
        resolve()
      }
      this.#queue.push(waiting)
      this.#next()
    })
  }

  #next(): void {
    clearTimeout(this.#timer)
    while (this.#queue.length > 0) {
      if (this.#queue[0]?.isGivenUp) {
        this.#queue.shift()
        continue
      }
      const isBusy = this.#isIngestBusy()
      if (this.#running >= (isBusy ? 1 : connectionsMax)) return
      const restMs = isBusy ? this.#restUntilMs - performance.now() : 0
      if (restMs > 0) {
        this.#timer = setTimeout(() => this.#next(), restMs)
        return
      }
      this.#running++
      this.#queue.shift()?.start()
    }
  }
}
