/** mqemitter-redis 7 has no types of its own; this is what cluster.ts uses. */
declare module 'mqemitter-redis' {
  import type { EventEmitter } from 'node:events'
  import type { Redis } from 'ioredis'

  export interface RedisEmitter {
    /** Events: error, subConnect, pubConnect. */
    state: EventEmitter
    on(
      topic: string,
      listener: (message: { topic: string; [key: string]: unknown }, done: () => void) => void,
      done: () => void,
    ): this
    emit(message: { topic: string; [key: string]: unknown }, done: (error?: Error | null) => void): void
    close(done: () => void): void
  }

  export default function mqemitterRedis(
    options: { pubConn: Redis; subConn: Redis } | { connectionString: string },
  ): RedisEmitter
}
