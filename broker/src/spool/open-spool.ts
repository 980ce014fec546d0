import { join } from 'node:path'
import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import type { Releases } from '@telltale/infra/service'
import type { BrokerConfig } from '../config.ts'
import { Spool } from './spool.ts'

/** In the data folder; what a former life left there waits in them. */
export async function openSpools(
  { TELLTALE_DATA_DIR: dataDir, TELLTALE_SPOOL_BYTES: bytesMax }: BrokerConfig,
  log: Logger,
  releases: Releases,
): Promise<{ spool: Spool; words: Spool }> {
  const spool = await Spool.open({ folder: join(dataDir, 'spool'), bytesMax, log })
  releases.add('spool', () => spool.close())
  const { wordsBytesMax } = limits.spool
  const words = await Spool.open({ folder: join(dataDir, 'spool-words'), bytesMax: wordsBytesMax, log })
  releases.add('spool of words', () => words.close())
  const messages = spool.state.messages + words.state.messages
  if (messages > 0) log.warn({ messages }, 'messages wait on disk from an earlier life; they are stored now')
  return { spool, words }
}
