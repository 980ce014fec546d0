import type { Client, PublishPacket } from 'aedes'
import { generate, type IPublishPacket } from 'mqtt-packet'

/**
 * The few things of an aedes 1.2 client that its types do not offer. Re-check on every upgrade: lib/client.js
 * (`_disconnected`, `_nextId`, `_parser`), lib/qos-packet.js, lib/handlers/index.js.
 */
interface Internals {
  /** Set when a DISCONNECT packet came. */
  _disconnected: boolean
  /** The next packet id for deliveries to this client; shared with aedes so that ids never collide. */
  _nextId: number
  _parser: {
    on(event: 'packet', listener: (packet: { cmd: string; messageId?: number }) => void): unknown
  }
  /** Stops reading the socket; before CONNACK aedes resumes it itself. */
  pause(): void
  subscriptions: Record<string, { qos: number }>
  broker: { persistence: { incomingGetPacket(client: Client, packet: PublishPacket): Promise<unknown> } }
}

const internals = (client: Client) => client as unknown as Internals

export function pauseClient(client: Client): void {
  internals(client).pause()
}

export function saidDisconnect(client: Client): boolean {
  return internals(client)._disconnected
}

export function subscriptionsOf(client: Client): Record<string, { qos: number }> {
  return internals(client).subscriptions
}

/** Calls `listener` with the packet id of every PUBACK; aedes removes it when the client closes. */
export function onPuback(client: Client, listener: (packetId: number) => void): void {
  internals(client)._parser.on('packet', ({ cmd, messageId }) => {
    if (cmd === 'puback' && messageId !== undefined) listener(messageId)
  })
}

/** Whether a QoS 2 packet of this id was received and its PUBREL has not come yet ([MQTT-4.3.3-2]). */
export async function isAwaitingPubrel(client: Client, packet: PublishPacket): Promise<boolean> {
  return internals(client)
    .broker.persistence.incomingGetPacket(client, packet)
    .then(
      () => true,
      () => false,
    )
}

const PACKET_ID_MAX = 65_535

/**
 * Writes one QoS 1 PUBLISH to the client, past aedes' queues: for a persistent session those would keep it and send
 * it again after it expired. @returns its packet id
 */
export function writeQos1(client: Client, message: { topic: string; payload: Buffer }): number {
  const state = internals(client)
  const messageId = state._nextId
  state._nextId = messageId >= PACKET_ID_MAX ? 1 : messageId + 1
  const packet: IPublishPacket = { cmd: 'publish', qos: 1, retain: false, dup: false, messageId, ...message }
  client.conn.write(generate(packet))
  return messageId
}
