/** Somebody who subscribes with QoS 0 and only counts: a client that decodes would be the bottleneck itself. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { generate } from 'mqtt-packet'
import { signIn } from './connection.ts'

const PUBLISH = 3
const SUBACK = 9

export interface Watcher {
  readonly received: number
  leave(): void
}

/** Resolves when the broker has granted the filter. */
export async function openWatcher(
  { port, username, password }: { port: number; username: string; password: string },
  filter: string,
): Promise<Watcher> {
  const socket = await signIn({ host: '127.0.0.1', port, deviceId: username, secret: password })
  const counter = new PacketCounter()
  socket.on('data', (chunk) => counter.take(chunk))
  socket.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: filter, qos: 0 }] }))
  await untilSubscribed(socket, counter)
  return {
    get received() {
      return counter.counts[PUBLISH] ?? 0
    },
    leave: () => {
      socket.end(generate({ cmd: 'disconnect' }))
    },
  }
}

async function untilSubscribed(socket: Socket, counter: PacketCounter): Promise<void> {
  while (!counter.counts[SUBACK]) {
    if (socket.closed) throw new Error('the broker closed the connection of the subscriber')
    await Promise.race([once(socket, 'data'), once(socket, 'close')])
  }
}

/** Walks over packets by their lengths (MQTT 3.1.1 §2.2.3), however TCP cut them. */
export class PacketCounter {
  /** By packet type. */
  readonly counts: number[] = []
  private inHeader = false
  private remaining = 0
  private scale = 1

  take(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.inHeader) this.addToLength(chunk[at++] as number)
      else if (this.remaining > 0) {
        const skipped = Math.min(this.remaining, chunk.length - at)
        this.remaining -= skipped
        at += skipped
      } else this.begin(chunk[at++] as number)
    }
  }

  private begin(first: number): void {
    const type = first >> 4
    this.counts[type] = (this.counts[type] ?? 0) + 1
    this.inHeader = true
    this.scale = 1
  }

  private addToLength(byte: number): void {
    this.remaining += (byte & 0x7f) * this.scale
    this.scale *= 0x80
    this.inHeader = (byte & 0x80) !== 0
  }
}
