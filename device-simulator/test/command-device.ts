import { filters, parseTopic, topics } from '@telltale/broker/contract'
import { connectAsync, type MqttClient } from 'mqtt'

/** A device that does what it is told, and notes it. */
export interface CommandDevice {
  client: MqttClient
  /** Ids as they came, repetitions included. */
  received: string[]
}

export async function startCommandDevice(
  url: string,
  credentials: { username: string; password: string },
): Promise<CommandDevice> {
  const id = credentials.username
  const client = await connectAsync(url, { ...credentials, reconnectPeriod: 200 })
  client.on('error', () => {})
  const received: string[] = []
  client.on('message', (name) => {
    const topic = parseTopic(name)
    if (topic.kind !== 'command') return
    received.push(topic.commandId)
    // Behind the PUBACK, which the library sends after this turn.
    setImmediate(() => {
      for (const status of ['accepted', 'succeeded'])
        client.publish(topics.reply(id, topic.commandId), JSON.stringify({ status }), { qos: 1 })
    })
  })
  await client.subscribeAsync(filters.commands(id), { qos: 1 })
  return { client, received }
}
