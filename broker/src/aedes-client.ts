import type { Aedes, Client } from 'aedes'
import type { ISubscribePacket } from 'mqtt-packet'
import type { Published } from './sessions/sessions.ts'

/**
 * The few things of an aedes 1.2 client that its types do not offer. Re-check on every upgrade: lib/client.js
 * (`_disconnected`, `_parser`, `deliverQoS`), lib/handlers/subscribe.js, lib/handlers/index.js.
 */
interface Internals {
  /** Set when a DISCONNECT packet came. */
  _disconnected: boolean
  _parser: {
    on(event: 'packet', listener: (packet: { cmd: string; messageId?: number }) => void): unknown
    prependListener(event: 'packet', listener: (packet: { cmd: string }) => void): unknown
  }
  /** Stops reading the socket; before CONNACK aedes resumes it itself. */
  pause(): void
  /** aedes delivers with this; only retained messages for new subscriptions still come this way. */
  deliverQoS(packet: Published, done: () => void): void
}

const internals = (client: Client) => client as unknown as Internals

/** As its package says. */
export function versionOf(aedes: Aedes): string {
  return (aedes as unknown as { version: string }).version
}

export function pauseClient(client: Client): void {
  internals(client).pause()
}

export function saidDisconnect(client: Client): boolean {
  return internals(client)._disconnected
}

/**
 * aedes registers a client that hung up while it was authenticated, after its `close()`, and would never forget it.
 * @returns whether it is such a one, and is forgotten now
 */
export function forgetGhost(aedes: Aedes, client: Client): boolean {
  if (!client.closed) return false
  ;(aedes as unknown as { unregisterClient(client: Client): void }).unregisterClient(client)
  return true
}

/** Retained messages for new subscriptions, one after the other. */
export function sendRetainedThrough(client: Client, deliver: (packet: Published) => Promise<void>): void {
  internals(client).deliverQoS = (packet, done) => void deliver(packet).then(done, done)
}

/** Calls `listener` with the packet id of every PUBACK; aedes removes it when the client closes. */
export function onPuback(client: Client, listener: (packetId: number) => void): void {
  internals(client)._parser.on('packet', ({ cmd, messageId }) => {
    if (cmd === 'puback' && messageId !== undefined) listener(messageId)
  })
}

/** Shows every SUBSCRIBE to `look` before aedes gets it. */
export function beforeSubscribe(client: Client, look: (packet: ISubscribePacket) => void): void {
  internals(client)._parser.prependListener('packet', (packet) => {
    if (packet.cmd === 'subscribe') look(packet as ISubscribePacket)
  })
}
