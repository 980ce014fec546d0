import { limits } from '@telltale/infra/limits'
import { sameHash } from '@telltale/infra/secrets'
import { type Principal, principalName } from './principals.ts'

const { rememberedMax, rememberedMs } = limits.signIns

export type Named = Exclude<Principal, { kind: 'platform' }>

/** What somebody shows. A certificate is public: its bytes given as a secret prove nothing. */
export interface Proof {
  name: string
  kind: 'secret' | 'certificate'
  /** Of the secret; a certificate's fingerprint. */
  hash: Buffer
}

interface Known {
  /** None: somebody of this name may have lost a right while the database is asked about him. */
  principal?: Named
  kind?: Proof['kind']
  /** When the database was last asked, and said that it is good. */
  goodMs: number
  /** When word came that a right of his may have ended. */
  doubtedMs: number
}

/**
 * Whom the database let in lately, and by which proof (its hash): for the time in which it cannot be asked. Only its
 * own word makes or renews what is remembered; any word of a right that may have ended undoes it, also that of a
 * question under way. Bounded: whoever was confirmed longest ago is forgotten first.
 */
export class SignInMemory {
  readonly #known = new Map<string, Known>()

  /** @param askedMs before the database was asked */
  remember(principal: Named, kind: Proof['kind'], askedMs: number): void {
    const name = principalName(principal)
    const doubtedMs = this.#known.get(name)?.doubtedMs ?? Number.NEGATIVE_INFINITY
    if (doubtedMs < askedMs) this.#keep(name, { principal, kind, goodMs: askedMs, doubtedMs })
  }

  /** The database was asked about a live connection: its credential is still good. */
  confirm({ name, hash }: { name: string; hash: Buffer }, askedMs: number): void {
    const known = this.#known.get(name)
    if (!known?.principal || known.doubtedMs >= askedMs) return
    if (sameHash(known.principal.credentialHash, hash)) this.#keep(name, { ...known, goodMs: askedMs })
  }

  find({ name, kind, hash }: Proof, nowMs = performance.now()): Named | undefined {
    const { principal, kind: knownKind, goodMs, doubtedMs } = this.#known.get(name) ?? NOBODY
    if (!principal || knownKind !== kind || doubtedMs >= goodMs || nowMs - goodMs > rememberedMs)
      return undefined
    return sameHash(principal.credentialHash, hash) ? principal : undefined
  }

  /** A right of this device, or `@integration`, may have ended. */
  doubt(name: string, nowMs = performance.now()): void {
    const known = this.#known.get(name)
    if (known) known.doubtedMs = nowMs
    else this.#keep(name, { goodMs: Number.NEGATIVE_INFINITY, doubtedMs: nowMs })
  }

  /** The database said no to what is remembered; somebody who only guessed changes nothing. */
  refused({ name, hash }: Proof): void {
    const principal = this.#known.get(name)?.principal
    if (principal && sameHash(principal.credentialHash, hash)) this.doubt(name)
  }

  integrations(): { name: string; hash: Buffer }[] {
    return [...this.#known.values()].flatMap(({ principal }) =>
      principal?.kind === 'integration' ? [{ name: principal.name, hash: principal.credentialHash }] : [],
    )
  }

  #keep(name: string, known: Known): void {
    this.#known.delete(name)
    this.#known.set(name, known)
    if (this.#known.size <= rememberedMax) return
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest)
      return
    }
  }
}

const NOBODY: Known = { goodMs: Number.NEGATIVE_INFINITY, doubtedMs: Number.NEGATIVE_INFINITY }
