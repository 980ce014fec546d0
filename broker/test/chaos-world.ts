import { randomUUID } from 'node:crypto'
import { cancelCommand } from '@telltale/infra/storage/command-transitions'
import { insertCommand } from '@telltale/infra/storage/commands'
import type { Pool } from '@telltale/infra/storage/pool'
import { waitFor } from '@telltale/infra/testing/wait'
import type { ReplyPayload } from '../src/contract/index.ts'
import { type Delivery, RawDevice } from './raw-device.ts'

const TTL_MS = { min: 1_000, max: 2_500 }
const RESULTS: ReplyPayload[] = [
  { status: 'succeeded', result: { ok: true } },
  { status: 'failed', error: 'stuck' },
  { status: 'rejected', error: 'not now' },
]

export interface WorldDeps {
  pool: Pool
  next: () => number
  /** Where the broker is. */
  port: number
  nudge: (deviceId: string) => void
}

/** Pool of choices that the seed alone decides. */
export function pickFrom<T>(next: () => number, items: readonly T[]): T {
  return items[Math.floor(next() * items.length)] as T
}

/**
 * A device that does everything a network and bad firmware can do to a command, except one thing: it carries each id
 * out at most once, and says `succeeded` only of what it has carried out.
 */
export class ChaosDevice {
  readonly id: string
  readonly #deps: WorldDeps
  readonly #credentials: { username: string; password: string }
  readonly connections: RawDevice[] = []
  /** Command → what it answered when it carried it out. */
  readonly executed = new Map<string, ReplyPayload>()
  readonly #withheld: (() => void)[] = []
  #isGood = false

  constructor(credentials: { username: string; password: string }, deps: WorldDeps) {
    this.id = credentials.username
    this.#credentials = credentials
    this.#deps = deps
  }

  get deliveries(): Delivery[] {
    return this.connections.flatMap(({ deliveries }) => deliveries)
  }

  get #live(): RawDevice | undefined {
    return this.connections.findLast(({ isOpen }) => isOpen)
  }

  /** A second one takes over. */
  async connect(): Promise<void> {
    const { port } = this.#deps
    const take = (delivery: Delivery, device: RawDevice) => this.#take(device, delivery)
    this.connections.push(await RawDevice.connect(port, this.#credentials, take))
  }

  cut(): void {
    this.#live?.cut()
  }

  /** From now on it acknowledges and answers everything at once. */
  async behave(): Promise<void> {
    this.#isGood = true
    while (this.#withheld.length > 0) this.release()
    await waitFor(`${this.id} is back`, () =>
      this.connect().then(
        () => true,
        () => false,
      ),
    )
  }

  /** Says it all again when everything is over. */
  async nag(): Promise<void> {
    for (let i = 0; i < 10; i++) this.replyAgain()
    await waitFor('its PUBACKs', () => this.#live?.isSettled)
  }

  release(): void {
    this.#withheld.shift()?.()
  }

  /** Again, or for the first time, whatever has become of it. */
  replyAgain(): void {
    const { next } = this.#deps
    const known = [...new Set(this.deliveries.map(({ id }) => id))]
    if (known.length > 0) this.#answer(this.#live, pickFrom(next, known))
  }

  /** To a command that is not its own. */
  steal(commandId: string): void {
    this.#live?.reply(commandId, { status: 'succeeded', result: 'stolen' })
  }

  #take(connection: RawDevice, delivery: Delivery): void {
    const acknowledge = () => connection.puback(delivery)
    const answer = () => this.#answer(connection, delivery.id)
    if (this.#isGood) {
      acknowledge()
      return answer()
    }
    const kind = this.#deps.next()
    // A reply before the PUBACK, after it, later, or never; a PUBACK at once, later, or never.
    if (kind < 0.25) answer()
    if (kind < 0.6) acknowledge()
    else if (kind < 0.85) this.#withheld.push(acknowledge)
    if (kind >= 0.25 && kind < 0.5) answer()
    else if (kind >= 0.5 && kind < 0.7) this.#withheld.push(answer)
  }

  #answer(connection: RawDevice | undefined, commandId: string): void {
    const { next } = this.#deps
    const before = this.executed.get(commandId)
    const result = before ?? pickFrom(next, RESULTS)
    this.executed.set(commandId, result)
    if (next() < 0.4) connection?.reply(commandId, { status: 'accepted' })
    if (next() < 0.3) connection?.reply(commandId, { status: 'progress', result: 50 })
    connection?.reply(commandId, result)
    if (next() < 0.2) connection?.reply(commandId, result)
  }
}

/** As an API does it. @returns the command's id */
export async function queueCommand(deps: WorldDeps, deviceId: string): Promise<string> {
  const { pool, next } = deps
  const id = randomUUID()
  const ttlMs = Math.round(TTL_MS.min + next() * (TTL_MS.max - TTL_MS.min))
  await insertCommand(pool, { id, deviceId, name: 'x', params: {}, ttlMs, createdBy: 'test' })
  // Nudges get lost.
  if (next() < 0.8) deps.nudge(deviceId)
  return id
}

export async function cancelOne(deps: WorldDeps): Promise<void> {
  const { rows } = await deps.pool.query<{ id: string }>(
    `SELECT id FROM command WHERE status = 'queued' ORDER BY seq DESC LIMIT 1`,
  )
  if (rows[0]) await cancelCommand(deps.pool, rows[0].id)
}
