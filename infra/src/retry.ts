import { setTimeout as sleep } from 'node:timers/promises'

export interface Backoff {
  minMs: number
  maxMs: number
}

/** Full jitter over an exponential: AWS Architecture Blog, "Exponential Backoff and Jitter". `attempt` from 0. */
export function backoffMs({ minMs, maxMs }: Backoff, attempt: number): number {
  const ceiling = Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30))
  return minMs + Math.random() * (ceiling - minMs)
}

/** Repeats `work` until it succeeds, `isRetryable` says no, or `signal` aborts (the last error is thrown). */
export async function retry<T>(
  work: (attempt: number) => Promise<T>,
  options: Backoff & { isRetryable: (error: unknown, attempt: number) => boolean; signal?: AbortSignal },
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work(attempt)
    } catch (error) {
      if (options.signal?.aborted || !options.isRetryable(error, attempt)) throw error
      await sleep(backoffMs(options, attempt), undefined, { signal: options.signal }).catch(() => {
        throw error
      })
    }
  }
}
