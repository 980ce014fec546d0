import { focusManager, type Query, type QueryClient } from '@tanstack/react-query'
import { ApiError } from '../api.ts'
import { spread } from './backoff.ts'
import type { LiveClient } from './client.ts'
import { liveLimits } from './limits.ts'

/** A refusal stays a refusal; only a lost connection or a failing server is worth asking again. */
function isWorthAskingAgain(error: unknown): boolean {
  const status = error instanceof ApiError ? error.problem.status : 0
  return status === 0 || status >= 500
}

/** The server itself waits for the database: asking it twice as often brings nothing back. */
function isWithoutDatabase(error: unknown): boolean {
  return error instanceof ApiError && error.problem.code === 'database_unavailable'
}

export const queryDefaults = {
  staleTime: 5_000,
  retry: (failures: number, error: unknown) =>
    failures < 2 && isWorthAskingAgain(error) && !isWithoutDatabase(error),
  refetchOnWindowFocus: true,
}

/**
 * Asks again for what is shown and could not be refreshed, until it is or nobody shows it any more: after a `resync`
 * nothing else brings what the screen misses. Where there is no answer yet the screen says so and has a button, but
 * when the line is back, the server is: then that is asked for too, and what hangs on a dead connection.
 */
export function keepAsking(live: LiveClient, queryClient: QueryClient): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const again = () => {
    timer = undefined
    // A page that nobody sees asks when it is looked at.
    if (focusManager.isFocused()) void queryClient.invalidateQueries({ predicate: isOutdated })
  }
  const forgetAnswers = queryClient.getQueryCache().subscribe((change) => {
    if (change.type !== 'updated' || change.action.type !== 'error' || !isOutdated(change.query)) return
    timer ??= setTimeout(again, spread(liveLimits.refreshAgainMs, Math.random()))
  })
  let { phase } = live.getState()
  const forgetState = live.subscribeState(() => {
    const before = phase
    phase = live.getState().phase
    const wasAway = before === 'reconnecting' || before === 'offline'
    if (wasAway && (phase === 'catching-up' || phase === 'live')) askForFailed(queryClient)
  })
  return () => {
    clearTimeout(timer)
    forgetAnswers()
    forgetState()
  }
}

/** Whatever was in its way is gone. */
export function askForFailed(queryClient: QueryClient): void {
  void queryClient.invalidateQueries({
    predicate: (query) => query.state.fetchStatus !== 'idle' || hasFailed(query),
  })
}

function isOutdated(query: Query): boolean {
  return hasFailed(query) && query.state.data !== undefined && query.state.fetchStatus === 'idle'
}

function hasFailed({ state }: Query): boolean {
  return state.status === 'error' && isWorthAskingAgain(state.error)
}
