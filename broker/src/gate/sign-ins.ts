import { limits } from '@telltale/infra/limits'
import { sameHash } from '@telltale/infra/secrets'
import { TokenBucket } from './bucket.ts'
import { Recent } from './recent.ts'

const { signIns } = limits.admission

interface Failures {
  count: number
  heldUntilMs: number
  lastMs: number
}

/**
 * Slows down failing sign-ins. A whole fleet may come from one address (a gateway, a load balancer, a mobile network),
 * so an address is no culprit:
 * - Failures count for the pair of address and user name. After a few, that pair alone waits, longer and longer.
 * - An address as a whole is never held. Its failures have a rate, far above what a fleet with some wrong secrets
 *   makes; that bounds the look-ups that somebody who tries many names can cause. Whoever tries again gets through
 *   in the end, because the rate goes on.
 * - Whoever proves what was right the last time passes both. So nobody is locked out by a stranger who fails in their
 *   name from the same address; and who guesses gains nothing by it.
 */
export class SignIns {
  readonly #failures = new Recent<Failures>(limits.admission.keysMax)
  /** Per address. */
  readonly #rates = new Recent<TokenBucket>(limits.admission.keysMax)
  /** User name → hash of the secret it last proved itself with. */
  readonly #proofs = new Recent<Buffer>(limits.admission.keysMax)

  /** @returns milliseconds to wait; 0 when the secret may be looked at */
  waitMs(address: string, username: string, proof: Buffer, nowMs: number): number {
    const known = this.#proofs.get(username)
    if (known && sameHash(known, proof)) return 0
    const heldMs = (this.#find(address, username, nowMs)?.heldUntilMs ?? 0) - nowMs
    return Math.max(0, heldMs, this.#rateOf(address, nowMs).waitMs(nowMs))
  }

  failed(address: string, username: string, nowMs: number): void {
    this.#rateOf(address, nowMs).take(1)
    const count = (this.#find(address, username, nowMs)?.count ?? 0) + 1
    const beyond = count - signIns.free
    const holdMs = beyond < 0 ? 0 : Math.min(signIns.holdMsMax, signIns.holdMsMin * 2 ** beyond)
    this.#failures.set(pairKey(address, username), { count, heldUntilMs: nowMs + holdMs, lastMs: nowMs })
  }

  succeeded(address: string, username: string, proof: Buffer, nowMs: number): void {
    this.#proofs.set(username, proof)
    const failures = this.#find(address, username, nowMs)
    if (!failures) return
    failures.count = Math.floor(failures.count / 2)
    failures.heldUntilMs = 0
    if (failures.count === 0) this.#failures.delete(pairKey(address, username))
  }

  #find(address: string, username: string, nowMs: number): Failures | undefined {
    const failures = this.#failures.get(pairKey(address, username))
    if (!failures || nowMs - failures.lastMs <= signIns.forgetMs) return failures
    this.#failures.delete(pairKey(address, username))
    return undefined
  }

  #rateOf(address: string, nowMs: number): TokenBucket {
    const { failuresPerAddressPerSecond, burstSeconds } = signIns
    return this.#rates.getOrMake(
      address,
      () => new TokenBucket(failuresPerAddressPerSecond, burstSeconds, nowMs),
    )
  }
}

/** No name is longer; whoever makes one up must not fill the memory with it. */
const NAME_CHARS_MAX = 128

/** A user name may hold spaces, an address never. */
function pairKey(address: string, username: string): string {
  return `${address} ${username.slice(0, NAME_CHARS_MAX)}`
}
