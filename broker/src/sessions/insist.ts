import type { Logger } from '@telltale/infra/log'
import { retry } from '@telltale/infra/retry'

const RETRY = { minMs: 100, maxMs: 2_000, isRetryable: () => true }

export type Insist = <T>(work: () => Promise<T>) => Promise<T>

/** Tries until the store is there: nobody is answered before. */
export function insistWith(log: Logger): Insist {
  return (work) =>
    retry(async (attempt) => {
      try {
        return await work()
      } catch (error) {
        if (attempt === 0) log.warn({ err: error }, 'sessions cannot be stored; publishers wait')
        throw error
      }
    }, RETRY)
}
