/** A device that answers each command at once with `succeeded`, and says when the command reached it. */
import type { Socket } from 'node:net'
import { filters, parseTopic, topics } from '@telltale/broker/contract'
import { generate, type IPublishPacket, type Packet, parser } from 'mqtt-packet'
import { signIn } from './connection.ts'
import type { Credential } from './generator.ts'

const REPLY = JSON.stringify({ status: 'succeeded' })
const PACKET_ID_MAX = 65_535

/** Resolves when the broker has granted the subscription. */
export async function startAnsweringDevice(
  port: number,
  { id, secret }: Credential,
  onCommand: (commandId: string, atMs: number) => void,
): Promise<() => void> {
  const socket = await signIn({ host: '127.0.0.1', port, deviceId: id, secret })
  const reader = parser()
  let replies = 0
  const granted = new Promise<void>((resolve, reject) => {
    socket.on('close', () => reject(new Error(`${id}: the broker closed the connection`)))
    reader.on('packet', (packet: Packet) => {
      if (packet.cmd === 'suback') resolve()
      if (packet.cmd !== 'publish') return
      const topic = parseTopic(packet.topic)
      if (topic.kind !== 'command') return
      onCommand(topic.commandId, performance.now())
      answer(socket, packet, topics.reply(id, topic.commandId), (replies++ % PACKET_ID_MAX) + 1)
    })
  })
  socket.on('error', () => {})
  socket.on('data', (chunk) => reader.parse(chunk))
  const subscriptions = [{ topic: filters.commands(id), qos: 1 as const }]
  socket.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions }))
  await granted
  return () => {
    socket.end(generate({ cmd: 'disconnect' }))
  }
}

/** One write: the reply must not wait for the PUBACK's own packet to be on its way. */
function answer(socket: Socket, { messageId = 0 }: IPublishPacket, topic: string, replyId: number): void {
  socket.write(
    Buffer.concat([
      generate({ cmd: 'puback', messageId }),
      generate({
        cmd: 'publish',
        topic,
        payload: REPLY,
        qos: 1,
        messageId: replyId,
        dup: false,
        retain: false,
      }),
    ]),
  )
}
