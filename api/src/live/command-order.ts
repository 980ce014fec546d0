import type { Command, CommandStatus } from '../contract/index.ts'
import { liveLimits } from './limits.ts'

const RANK: Record<CommandStatus, number> = {
  queued: 0,
  sent: 1,
  delivered: 2,
  accepted: 3,
  succeeded: 4,
  failed: 4,
  rejected: 4,
  expired: 4,
  timed_out: 4,
  cancelled: 4,
}

/**
 * The broker may pick a row up before the API has told of its insertion; then `queued` comes after `sent`. Remembers
 * how far each command has come, for the newest commands.
 */
export class CommandOrder {
  readonly #ranks = new Map<string, number>()

  /** False for a row older than one seen before. The same status again is forward: progress repeats `accepted`. */
  isForward({ id, status }: Command): boolean {
    const rank = RANK[status]
    if (rank < (this.#ranks.get(id) ?? 0)) return false
    this.#ranks.delete(id)
    this.#ranks.set(id, rank)
    const oldest = this.#ranks.keys().next()
    if (this.#ranks.size > liveLimits.commandsTrackedMax && !oldest.done) this.#ranks.delete(oldest.value)
    return true
  }
}
