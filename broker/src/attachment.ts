import { randomUUID } from 'node:crypto'
import type { Client } from 'aedes'
import type { PresenceReason } from './contract/index.ts'
import type { Gate } from './gate/gate.ts'
import type { InOrder } from './order.ts'
import type { Peer } from './peer.ts'
import type { DeviceSession, Source } from './presence.ts'
import { type Principal, principalName } from './principals.ts'

/** What became of a PUBLISH: `again` is one of QoS 2 that came before and is only answered. */
export type Outcome = 'new' | 'again' | Error

/** What the listener and the gate know of a connection before anybody has proved anything. */
export interface Accepted {
  peer: Peer
  gate: Gate
}

/** What is known of a client from its authentication until it is gone; never derived from `client.id`. */
export interface Attachment extends Accepted {
  principal: Principal
  order: InOrder<Outcome>
  /** Devices only. */
  session?: DeviceSession
  /** Integrations only: the devices they write readings of. */
  sources?: Map<string, Source>
  /** CONNACK has been sent: what is subscribed from now on is new. */
  isOpen: boolean
  /** Storing for others goes in the order of the publishes. */
  keeping?: Promise<unknown>
  /** Messages of QoS 2 that came and are being stored. */
  receivingCount: number
  endReason?: PresenceReason
  /** An authenticated client of the same client id, about to make aedes close this one. */
  successor?: Client
}

/** A successor that died before it took over has taken nothing over. */
export function endReasonOf({ endReason, successor }: Attachment): PresenceReason | undefined {
  return endReason ?? (successor && !successor.closed ? 'taken_over' : undefined)
}

/** As diagnostics name a client. */
export function whoIs(client: Client, { principal, peer }: Attachment) {
  return { deviceId: principalName(principal), clientId: saidClientId(client.id), address: peer.address }
}

/** Client ids are free, so two principals may pick the same one: each has a name space of its own. */
export function sessionIdOf(principal: string, clientId: string): string {
  return `${principal}/${clientId || `${GIVEN}${randomUUID()}`}`
}

/** Marks the id of a client that left it to us. */
const GIVEN = '~'

export function ownerOf(sessionId: string): string {
  return sessionId.split('/', 1)[0] ?? ''
}

/** What the client called itself; empty when it left that to us. */
export function saidClientId(sessionId: string): string {
  const said = sessionId.slice(ownerOf(sessionId).length + 1)
  return said.startsWith(GIVEN) ? '' : said
}
