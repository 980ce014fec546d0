import type { Duplex } from 'node:stream'
import { limits } from '@telltale/infra/limits'
import { hashSecret } from '@telltale/infra/secrets'
import type { Client } from 'aedes'
import { type Attachment, whoIs } from './attachment.ts'
import { type Claim, connackCodes, RefusedError } from './authenticate.ts'
import type { PresenceReason, ProblemCode } from './contract/index.ts'
import type { Diagnostics } from './diagnostics.ts'
import type { Admission, Refusal, RefusalCode } from './gate/admission.ts'
import type { FaultCode } from './gate/fault.ts'
import type { Gate } from './gate/gate.ts'
import type { Gates } from './gate/gates.ts'
import type { Peer } from './peer.ts'
import { type Principal, principalName } from './principals.ts'

const problemOf: Record<FaultCode, ProblemCode> = {
  no_connect: 'connect_timeout',
  not_connect: 'not_mqtt',
  mqtt5: 'mqtt5',
  unsupported_version: 'unsupported_version',
  identifier_rejected: 'bad_client_id',
  malformed: 'malformed',
  unexpected_packet: 'malformed',
  oversized: 'oversized',
  too_many_levels: 'forbidden_topic',
  too_many_filters: 'limit_subscriptions',
  stalled: 'keepalive',
  keepalive: 'keepalive',
  rate: 'limit_rate',
  overloaded: 'overloaded',
}

const problemOfRefusal: Record<RefusalCode, ProblemCode> = {
  too_many_connections: 'limit_connections',
  too_many_connections_of_address: 'limit_connections',
  too_many_connects_of_address: 'limit_connect_rate',
  too_many_failed_sign_ins: 'limit_failed_sign_ins',
  flapping: 'limit_flapping',
}

/** Failures that could be somebody guessing. */
const GUESSES: ReadonlySet<ProblemCode> = new Set(['wrong_secret', 'unknown_device'])

/** Rates of everybody but devices: gateways and scripts that speak for many. */
const OTHERS = {
  messagesPerSecond: 100_000,
  bytesPerSecond: 128 * 1024 * 1024,
  filtersPerSubscribeMax: 1_000,
}

export interface DoorkeeperDeps {
  gates: Gates
  admission: Admission
  diagnostics: Diagnostics
  deviceRates: { messagesPerSecond: number; bytesPerSecond: number }
}

/** Who may come in, how fast, and the word of everybody who may not. */
export class Doorkeeper {
  readonly #deps: DoorkeeperDeps
  /** Connections past CONNACK: who they are, and how to tell the broker why one ends. */
  readonly #known = new WeakMap<Duplex, { attachment: Attachment; who: ReturnType<typeof whoIs> }>()

  constructor(deps: DoorkeeperDeps) {
    this.#deps = deps
  }

  /** A new connection with its gate; undefined when there is no room, and it is closed. */
  admit(connection: Duplex, peer: Peer): Gate | undefined {
    const { admission, gates, diagnostics } = this.#deps
    const { address } = peer
    const refusal = admission.admit(address ?? undefined)
    if (refusal) {
      diagnostics.report({ code: problemOfRefusal[refusal.code], address, ...explain(refusal) })
      connection.destroy()
      return undefined
    }
    connection.once('close', () => admission.release(address ?? undefined))
    return gates.guard(connection, {
      // It waits for our answers: its silence is ours.
      isBehind: () => this.#known.get(connection)?.attachment.order.isWaiting ?? false,
      onFault: ({ code, detail, clientId, username, limit }) => {
        const known = this.#known.get(connection)
        if (known) known.attachment.endReason ??= reasonOf(code)
        const deviceId = known ? principalName(known.attachment.principal) : username
        diagnostics.report({
          code: problemOf[code],
          address,
          detail,
          ...(deviceId !== undefined && { deviceId }),
          ...(clientId !== undefined && { clientId }),
          ...(limit && { limit }),
        })
      },
      onSlowed: (limit, value) => {
        const known = this.#known.get(connection)
        if (!known) return
        const { messagesPerSecond, bytesPerSecond } = this.#ratesOf(known.attachment.principal)
        const allowed = limit === 'messages' ? messagesPerSecond : bytesPerSecond
        diagnostics.report({
          code: limit === 'messages' ? 'limit_messages' : 'limit_bytes',
          ...known.who,
          detail: `slowed down to ${allowed} ${limit} a second`,
          limit: { name: `${limit} a second`, value, allowed },
        })
      },
    })
  }

  /** Lets `authenticate` decide, unless this address or device has tried too often. */
  async check(claim: Claim, authenticate: () => Promise<Principal>): Promise<Principal> {
    const { admission, diagnostics } = this.#deps
    const { username, password, clientId, peer } = claim
    const { address } = peer
    const name = username ?? peer.certificate?.commonName ?? ''
    const signIn = {
      address: address ?? undefined,
      username: name,
      proof: password ? hashSecret(password) : (peer.certificate?.fingerprint ?? hashSecret('')),
    }
    const who = { deviceId: name, clientId, address }
    const refuse = (refusal: Refusal) => {
      const { detail, limit } = explain(refusal)
      diagnostics.report({ ...who, code: problemOfRefusal[refusal.code], detail, limit })
      return new HeldOffError(detail)
    }
    const tooOften = admission.maySignIn(signIn)
    if (tooOften) throw refuse(tooOften)
    const principal = await authenticate().catch((error: unknown) => {
      if (!(error instanceof RefusedError)) throw error
      if (GUESSES.has(error.code)) admission.failed(signIn)
      diagnostics.report({ ...who, code: error.code, detail: error.message })
      throw error
    })
    admission.succeeded(signIn)
    const flapping = principal.kind === 'device' ? admission.mayConnect(principal.deviceId) : undefined
    if (flapping) throw refuse(flapping)
    return principal
  }

  /** CONNACK has been sent. */
  open(client: Client, attachment: Attachment): void {
    const { gate, principal } = attachment
    this.#known.set(gate.connection, { attachment, who: whoIs(client, attachment) })
    gate.open(this.#ratesOf(principal))
  }

  #ratesOf({ kind }: Principal) {
    if (kind !== 'device') return OTHERS
    return { ...this.#deps.deviceRates, filtersPerSubscribeMax: limits.gate.filtersPerSubscribeMax }
  }
}

/** CONNACK 3: the client is not told to give up, but to come later. */
class HeldOffError extends Error {
  readonly returnCode = connackCodes.serverUnavailable
}

function explain({ limit: name, value, retryAfterMs }: Refusal) {
  const seconds = Math.ceil(retryAfterMs / 1_000)
  return { detail: `again in ${seconds} s`, limit: { name, value: value + 1, allowed: value } }
}

function reasonOf(code: FaultCode): PresenceReason {
  return code === 'keepalive' ? 'keep_alive_lost' : 'protocol_error'
}
