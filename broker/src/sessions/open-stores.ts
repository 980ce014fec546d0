import { join } from 'node:path'
import type { Logger } from '@telltale/infra/log'
import type { Releases } from '@telltale/infra/service'
import type { Cluster } from '../cluster.ts'
import type { BrokerConfig } from '../config.ts'
import type { SessionStore } from './store.ts'
import { EmbeddedStore } from './store-embedded.ts'
import { MemoryStore } from './store-memory.ts'
import { RedisStore } from './store-redis.ts'

/** Where sessions live: in Redis when there may be several brokers, else in the data folder. */
export async function openStores(
  config: BrokerConfig,
  { cluster, log, releases }: { cluster: Cluster | undefined; log: Logger; releases: Releases },
): Promise<{ durable: SessionStore; memory: SessionStore }> {
  const bounds = {
    messagesMax: config.TELLTALE_SESSION_QUEUE_MESSAGES,
    bytesMax: config.TELLTALE_SESSION_QUEUE_BYTES,
  }
  const durable = openDurable()
  await durable.start()
  releases.add('stored sessions', () => durable.stop())
  return { durable, memory: new MemoryStore({ bounds }) }

  function openDurable(): SessionStore {
    const url = config.TELLTALE_REDIS_URL
    if (!cluster || url === undefined)
      return new EmbeddedStore({ folder: join(config.TELLTALE_DATA_DIR, 'sessions'), bounds })
    const expiryMs = sessionExpiryMs(config)
    const store = new RedisStore({ url, control: cluster.control, bounds, expiryMs, log })
    cluster.onBack(() => void store.reload())
    return store
  }
}

export function sessionExpiryMs(config: BrokerConfig): number {
  return config.TELLTALE_SESSION_EXPIRY_HOURS * 3_600_000
}
