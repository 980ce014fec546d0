import type { Logger } from '@telltale/infra/log'
import { Redis } from 'ioredis'
import { type ScriptedRedis, withScripts } from './store-redis-scripts.ts'

export const KEY_PREFIX = 'telltale:'
const COMMAND_TIMEOUT_MS = 2_000
const RECONNECT_MIN_MS = 100
const RECONNECT_MAX_MS = 1_000
const LOG_EVERY_MS = 10_000

/**
 * A command either happens soon or fails: nothing waits for Redis to come back (`enableOfflineQueue`), what was under
 * way when the connection broke fails and is not sent again behind the caller's back (`autoResend…`, no retries), and
 * a Redis that does not answer counts as away (`commandTimeout`). The caller decides whether to try again. The
 * connection itself is tried for ever.
 */
export function connectRedis(url: string, log: Logger): ScriptedRedis {
  const redis = new Redis(url, {
    keyPrefix: KEY_PREFIX,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: COMMAND_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(attempt * RECONNECT_MIN_MS, RECONNECT_MAX_MS),
  })
  let loggedAtMs = -Infinity
  redis.on('error', (error) => {
    const nowMs = performance.now()
    if (nowMs - loggedAtMs < LOG_EVERY_MS) return
    loggedAtMs = nowMs
    log.warn({ err: error }, 'Redis does not answer; MQTT sessions wait for it')
  })
  return withScripts(redis)
}
