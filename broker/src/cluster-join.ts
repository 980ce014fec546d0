import type { Logger } from '@telltale/infra/log'
import type { Releases } from '@telltale/infra/service'
import type { Broker } from './broker.ts'
import { Cluster } from './cluster.ts'
import type { BrokerConfig } from './config.ts'
import { filters, parseTopic } from './contract/index.ts'
import type { Router } from './router.ts'

/** With Redis there may be other brokers. */
export async function joinCluster(
  config: BrokerConfig,
  log: Logger,
  releases: Releases,
): Promise<Cluster | undefined> {
  const url = config.TELLTALE_REDIS_URL
  if (url === undefined) return undefined
  const cluster = new Cluster({ url, brokerId: config.TELLTALE_BROKER_ID, log })
  await cluster.start()
  releases.add('other brokers', () => cluster.stop())
  return cluster
}

/** What comes from other brokers is for the clients here; what goes out, for those that want it. */
export async function connectCluster(cluster: Cluster, broker: Broker, router: Router): Promise<void> {
  cluster.handOnTo({
    onPacket: (packet) => {
      const topic = parseTopic(packet.topic)
      if (topic.kind === 'platform') broker.heardFromApi(topic)
      router.receive(packet)
    },
    onClient: (clientId) => broker.clients.closeById(clientId),
    connectedOf: (clientIds) => broker.clients.connectedOf(clientIds),
    onDevice: (deviceId, epoch) => {
      const newer = broker.clients.closeOlder(deviceId, epoch)
      if (newer !== undefined) cluster.announceDevice(deviceId, newer)
    },
  })
  router.connect(cluster)
  // The API tells one broker; whichever holds the device must hear it.
  await Promise.all([cluster.want(filters.platform('nudge')), cluster.want(filters.platform('revoked'))])
}
