import { normalizeIP } from '@fastify/rate-limit'
import { ProblemError } from '../problems.ts'
import { liveLimits } from './limits.ts'

const bounds = liveLimits.places

/** One of the places for live streams. Give it back with `release`; again does nothing. */
export class Place {
  #undo: (() => void)[] = []

  hold(undo: () => void): void {
    this.#undo.push(undo)
  }

  release(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo()
  }
}

/**
 * How many streams, polls and sockets are open: of one user, from one address, and in all. A place is taken before
 * anything is awaited, so that a burst cannot pass the bounds.
 */
export class StreamPlaces {
  readonly #all = new Tally(bounds.allMax)
  readonly #byAddress = new Tally(bounds.perAddressMax)
  readonly #byUser = new Tally(bounds.perUserMax)
  readonly #anonymous = new Tally(bounds.anonymousPerAddressMax)

  get open(): number {
    return this.#all.of('')
  }

  ofUser(name: string): number {
    return this.#byUser.of(name)
  }

  ofAddress(ip: string): number {
    return this.#byAddress.of(normalizeIP(ip))
  }

  /**
   * For a stream from `ip`, of a user when it is known whose. An IPv6 customer has a whole /64.
   * @throws ProblemError too_many_streams
   */
  take(ip: string, user?: string): Place {
    const address = normalizeIP(ip)
    const place = new Place()
    try {
      place.hold(this.#all.add(''))
      place.hold(this.#byAddress.add(address))
      if (user !== undefined) this.claim(place, user)
      return place
    } catch (error) {
      place.release()
      throw error
    }
  }

  /**
   * The place is this user's from now on.
   * @throws ProblemError too_many_streams
   */
  claim(place: Place, user: string): void {
    place.hold(this.#byUser.add(user))
  }

  /**
   * Nobody knows yet whose it is; call the answer when it is known, or over.
   * @throws ProblemError too_many_streams
   */
  anonymous(ip: string): () => void {
    return this.#anonymous.add(normalizeIP(ip))
  }
}

/** Counts by key, each up to a bound. */
class Tally {
  readonly #max: number
  readonly #counts = new Map<string, number>()

  constructor(max: number) {
    this.#max = max
  }

  of(key: string): number {
    return this.#counts.get(key) ?? 0
  }

  /** Returns what takes it back, once. */
  add(key: string): () => void {
    if (this.of(key) >= this.#max) throw tooManyStreams()
    this.#counts.set(key, this.of(key) + 1)
    let isCounted = true
    return () => {
      if (!isCounted) return
      isCounted = false
      if (this.of(key) === 1) this.#counts.delete(key)
      else this.#counts.set(key, this.of(key) - 1)
    }
  }
}

export function tooManyStreams(): ProblemError {
  return new ProblemError('too_many_streams', { retryAfterS: liveLimits.retryAfterS })
}
