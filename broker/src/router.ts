import type { Published } from './sessions/sessions.ts'

type Done = (error?: Error | null) => void

/** The way to the other brokers; absent when there is only one. */
export interface OtherBrokers {
  /** Resolves when all of them know that somebody here wants these messages. */
  want(filter: string): Promise<void>
  unwant(filter: string): void
  /** To those that want it. */
  send(packet: Published): void
  /** To all of them. */
  announceClient(clientId: string): void
}

const INTERNAL = '$SYS/'
const NEW_CLIENT = /^\$SYS\/([^/]+)\/new\/clients$/

/**
 * Published messages go to the clients connected here and to the brokers where somebody subscribed to them. For aedes
 * it is the `mq`: that is how it tells what is subscribed. What aedes emits on it after its PUBACK was published before
 * (Publishing). Its housekeeping on `$SYS/` ends here, but for the word of a new client: another broker that has a
 * client of that id closes it (takeover).
 */
export class Router {
  readonly #deliver: (packet: Published) => void
  readonly #wanted = new Map<string, { subscriptions: number; told: Promise<void> | undefined }>()
  #others: OtherBrokers | undefined

  constructor(deliver: (packet: Published) => void) {
    this.#deliver = deliver
  }

  connect(others: OtherBrokers): void {
    this.#others = others
  }

  /** Called for each subscription of a client, and by aedes for its own housekeeping. Its listeners are not called. */
  on(filter: string, _listener: unknown, done?: Done): this {
    if (filter.startsWith(INTERNAL)) {
      done?.()
      return this
    }
    const wanted = this.#wanted.get(filter) ?? { subscriptions: 0, told: this.#others?.want(filter) }
    wanted.subscriptions++
    this.#wanted.set(filter, wanted)
    // Also of a filter that somebody else subscribed to just now: the others may not know of it yet.
    if (wanted.told) void wanted.told.then(() => done?.())
    else done?.()
    return this
  }

  removeListener(filter: string, _listener: unknown, done?: Done): this {
    const wanted = this.#wanted.get(filter)
    if (wanted && --wanted.subscriptions === 0) {
      this.#wanted.delete(filter)
      this.#others?.unwant(filter)
    }
    done?.()
    return this
  }

  emit(packet: Published, done?: Done): this {
    if (NEW_CLIENT.test(packet.topic)) this.#others?.announceClient(packet.payload.toString())
    done?.()
    return this
  }

  publish(packet: Published): void {
    this.#deliver(packet)
    this.#others?.send(packet)
  }

  /** From another broker: for the clients here only. */
  receive(packet: Published): void {
    this.#deliver(packet)
  }

  close(done?: Done): void {
    done?.()
  }
}
