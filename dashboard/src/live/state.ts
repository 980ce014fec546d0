type LivePhase = 'connecting' | 'live' | 'catching-up' | 'reconnecting' | 'offline'

export type LiveState = {
  phase: LivePhase
  /** How events come while they do. */
  via: 'stream' | 'poll'
  /** Why it waits: the user has as many streams open as are allowed. */
  tooMany: boolean
  /** Server's clock when the newest event came in; null before the first. */
  newestAt: number | null
  /** Browser's clock when the next attempt starts; null unless waiting. */
  retryAt: number | null
}

export const notStarted: LiveState = {
  phase: 'connecting',
  via: 'stream',
  tooMany: false,
  newestAt: null,
  retryAt: null,
}
