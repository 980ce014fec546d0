import { join } from 'node:path'
import type { Logger } from '@telltale/infra/log'
import type { Releases } from '@telltale/infra/service'
import type { BrokerConfig } from '../config.ts'
import { Spool } from './spool.ts'

/** In the data folder; what a former life left there waits in it. */
export async function openSpool(config: BrokerConfig, log: Logger, releases: Releases): Promise<Spool> {
  const folder = join(config.TELLTALE_DATA_DIR, 'spool')
  const spool = await Spool.open({ folder, bytesMax: config.TELLTALE_SPOOL_BYTES, log })
  releases.add('spool', () => spool.close())
  const { messages, bytes } = spool.state
  if (messages > 0)
    log.warn({ messages, bytes }, 'messages wait on disk from an earlier life; they are stored now')
  return spool
}
