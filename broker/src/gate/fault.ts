/** Why the gate ends a connection. What is told to people is made of the code; `detail` is for whoever looks closer. */
export type FaultCode =
  /** No whole CONNECT in time. */
  | 'no_connect'
  /** The first packet is not CONNECT. */
  | 'not_connect'
  /** MQTT 5, which is answered with a CONNACK of its own form. */
  | 'mqtt5'
  | 'unsupported_version'
  /** A client id that this kind of session cannot have. */
  | 'identifier_rejected'
  /** Bytes that are no MQTT 3.1 or 3.1.1. */
  | 'malformed'
  /** A packet that no client may send here: a second CONNECT, or one that only servers send. */
  | 'unexpected_packet'
  | 'oversized'
  | 'too_many_levels'
  | 'too_many_filters'
  /** A packet was begun and not finished. */
  | 'stalled'
  | 'keepalive'
  /** More than the allowed rate for so long that slowing down does not help. */
  | 'rate'
  /** All gates together hold too many bytes of unfinished packets. */
  | 'overloaded'

/** What was met, and what is allowed. */
export interface FaultLimit {
  name: string
  value: number
  allowed: number
}

export class Fault extends Error {
  readonly code: FaultCode
  /** A CONNACK to send before closing. */
  readonly reply: Buffer | undefined
  readonly limit: FaultLimit | undefined

  constructor(
    code: FaultCode,
    detail: string,
    { reply, limit }: { reply?: Buffer; limit?: FaultLimit } = {},
  ) {
    super(detail)
    this.code = code
    this.reply = reply
    this.limit = limit
  }
}

export function oversized(name: string, value: number, allowed: number): Fault {
  return new Fault('oversized', `${value} ${name}; at most ${allowed}`, { limit: { name, value, allowed } })
}

/** CONNACKs that refuse: MQTT 3.1.1 table 3.1, MQTT 5 §3.2.2.2. */
export const refusals = {
  unsupportedVersion: Buffer.from([0x20, 2, 0, 1]),
  identifierRejected: Buffer.from([0x20, 2, 0, 2]),
  mqtt5: Buffer.from([0x20, 3, 0, 0x84, 0]),
} as const
