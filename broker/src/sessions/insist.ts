import type { Logger } from '@telltale/infra/log'
import { retry } from '@telltale/infra/retry'

const RETRY = { minMs: 100, maxMs: 2_000, isRetryable: () => true }
/** A store that comes back answers some before it answers all: that is one outage, not two. */
const QUIET_MS = 5_000

export type Insist = <T>(work: () => Promise<T>) => Promise<T>

/**
 * Tries until the store is there: nobody is answered before. However many wait, the log says once that they do, and
 * once that they go on, when nobody has waited for `QUIET_MS`.
 */
export function insistWith(log: Logger): Insist {
  let waiting = 0
  let sinceMs = 0
  let over: NodeJS.Timeout | undefined

  const begins = (err: unknown) => {
    if (waiting++ > 0) return
    if (over !== undefined) {
      clearTimeout(over)
      over = undefined
      return
    }
    sinceMs = performance.now()
    log.warn({ err }, 'sessions cannot be stored; publishers wait')
  }
  const ends = () => {
    if (--waiting > 0) return
    const forMs = Math.round(performance.now() - sinceMs)
    over = setTimeout(() => {
      over = undefined
      log.info({ forMs }, 'sessions are stored again; publishers go on')
    }, QUIET_MS).unref()
  }
  return async (work) => {
    let isWaiting = false
    const result = await retry(async () => {
      try {
        return await work()
      } catch (error) {
        if (!isWaiting) begins(error)
        isWaiting = true
        throw error
      }
    }, RETRY)
    if (isWaiting) ends()
    return result
  }
}
