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

/** How far a record has come. It only grows: status moves forward, and a PUBACK may add its time after the end. */
export function stepOf({ status, deliveredAt }: Command): number {
  return RANK[status] * 2 + (deliveredAt ? 1 : 0)
}

/** A reply that overtook its PUBACK: the time of delivery may still be added. */
const MAY_BE_DELIVERED: CommandStatus[] = ['succeeded', 'failed', 'rejected']

/** Nothing of this record changes any more. */
export function isSettled({ status, deliveredAt, finishedAt }: Command): boolean {
  return finishedAt !== null && (deliveredAt !== null || !MAY_BE_DELIVERED.includes(status))
}

interface Told {
  step: number
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
    const { id } = command
    const told = { step: stepOf(command), digest: digestOf(command) }
    const before = this.#told.get(id)
    if (before && (told.step < before.step || told.digest === before.digest)) return false
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
