import { limits } from '@telltale/infra/limits'
import { addressKey } from './address.ts'
import { TokenBucket } from './bucket.ts'
import { Recent } from './recent.ts'
import { SignIns } from './sign-ins.ts'

export interface AdmissionOptions {
  connectionsMax: number
  connectionsPerAddressMax: number
  connectsPerAddressPerSecond: number
  deviceConnectsPerMinute: number
}

export type RefusalCode =
  | 'too_many_connections'
  | 'too_many_connections_of_address'
  | 'too_many_connects_of_address'
  | 'too_many_failed_sign_ins'
  | 'flapping'

/** Why somebody has to wait: `limit` is the setting that says so, or what is counted; `value` its bound. */
export interface Refusal {
  code: RefusalCode
  limit: string
  value: number
  retryAfterMs: number
}

interface Flapping {
  connects: TokenBucket
  heldUntilMs: number
}

/** Who may come in, by address before a byte is read, by name once CONNECT is there, by device once it is known. */
export class Admission {
  readonly #options: AdmissionOptions
  readonly #signIns = new SignIns()
  #open = 0
  /** Open connections; an address leaves with its last one, so there are no more than connections. */
  readonly #openOf = new Map<string, number>()
  readonly #connectsOf = new Recent<TokenBucket>(limits.admission.keysMax)
  readonly #devices = new Recent<Flapping>(limits.admission.keysMax)

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  get connections(): number {
    return this.#open
  }

  /** A connection was accepted. Unless it is refused, `release` must follow when it closes. */
  admit(address: string | undefined, nowMs = performance.now()): Refusal | undefined {
    const key = addressKey(address)
    const refusal = this.#tooManyOpen(key) ?? this.#tooManyConnects(key, nowMs)
    if (refusal) return refusal
    this.#open++
    this.#openOf.set(key, (this.#openOf.get(key) ?? 0) + 1)
    return undefined
  }

  release(address: string | undefined): void {
    const key = addressKey(address)
    const left = (this.#openOf.get(key) ?? 0) - 1
    if (left > 0) this.#openOf.set(key, left)
    else this.#openOf.delete(key)
    this.#open--
  }

  /** Before a secret is looked at. @param proof its hash */
  maySignIn(signIn: SignIn, nowMs = performance.now()): Refusal | undefined {
    const { address, username, proof } = signIn
    const waitMs = this.#signIns.waitMs(addressKey(address), username, proof, nowMs)
    if (waitMs === 0) return undefined
    return {
      code: 'too_many_failed_sign_ins',
      limit: 'failed sign-ins in a row',
      value: limits.admission.signIns.free,
      retryAfterMs: waitMs,
    }
  }

  failed({ address, username }: SignIn, nowMs = performance.now()): void {
    this.#signIns.failed(addressKey(address), username, nowMs)
  }

  succeeded({ address, username, proof }: SignIn, nowMs = performance.now()): void {
    this.#signIns.succeeded(addressKey(address), username, proof, nowMs)
  }

  /**
   * After a device proved who it is: counts its connects. One that comes again and again (two with the same secret that
   * take over from each other, a crash at start) is held off for a while.
   */
  mayConnect(deviceId: string, nowMs = performance.now()): Refusal | undefined {
    const { deviceConnectsPerMinute: value } = this.#options
    const device = this.#devices.getOrMake(deviceId, () => ({
      connects: new TokenBucket(value / 60, 60, nowMs),
      heldUntilMs: 0,
    }))
    if (device.heldUntilMs <= nowMs && device.connects.available(nowMs) >= 1) {
      device.connects.take(1)
      return undefined
    }
    if (device.heldUntilMs <= nowMs) device.heldUntilMs = nowMs + limits.admission.flappingHoldMs
    const retryAfterMs = device.heldUntilMs - nowMs
    return { code: 'flapping', limit: 'TELLTALE_DEVICE_CONNECTS_PER_MINUTE', value, retryAfterMs }
  }

  #tooManyOpen(key: string): Refusal | undefined {
    const { connectionsMax, connectionsPerAddressMax } = this.#options
    const { retryAfterMs } = limits.admission
    if (this.#open >= connectionsMax)
      return {
        code: 'too_many_connections',
        limit: 'TELLTALE_CONNECTIONS_MAX',
        value: connectionsMax,
        retryAfterMs,
      }
    if ((this.#openOf.get(key) ?? 0) >= connectionsPerAddressMax)
      return {
        code: 'too_many_connections_of_address',
        limit: 'TELLTALE_CONNECTIONS_PER_ADDRESS',
        value: connectionsPerAddressMax,
        retryAfterMs,
      }
    return undefined
  }

  #tooManyConnects(key: string, nowMs: number): Refusal | undefined {
    const { connectsPerAddressPerSecond: value } = this.#options
    const make = () => new TokenBucket(value, 1, nowMs)
    const connects = this.#connectsOf.getOrMake(key, make)
    const retryAfterMs = connects.waitMs(nowMs)
    if (retryAfterMs === 0) {
      connects.take(1)
      return undefined
    }
    return {
      code: 'too_many_connects_of_address',
      limit: 'TELLTALE_CONNECTS_PER_ADDRESS',
      value,
      retryAfterMs,
    }
  }
}

export interface SignIn {
  address: string | undefined
  username: string
  /** Hash of the secret that was given. */
  proof: Buffer
}
