import { createHash } from 'node:crypto'
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

interface Told {
  rank: number
  /** Of the whole record. */
  digest: string
}

/**
 * The broker may pick a row up before the API has told of its insertion; then `queued` comes after `sent`. And what
 * this API tells the others comes back to itself. Remembers how far each command has come, for the newest commands.
 */
export class CommandOrder {
  readonly #told = new Map<string, Told>()

  /**
   * False for a row older than one seen before, and for the newest one again. The same status with something else in
   * it is forward: progress repeats `accepted`.
   */
  isForward(command: Command): boolean {
    const { id, status } = command
    const told = { rank: RANK[status], digest: digestOf(command) }
    const before = this.#told.get(id)
    if (before && (told.rank < before.rank || told.digest === before.digest)) return false
    this.#told.delete(id)
    this.#told.set(id, told)
    const oldest = this.#told.keys().next()
    if (this.#told.size > liveLimits.commandsTrackedMax && !oldest.done) this.#told.delete(oldest.value)
    return true
  }
}

/** The row is always read with its columns in the same order. */
function digestOf(command: Command): string {
  return createHash('sha1').update(JSON.stringify(command)).digest('base64')
}
