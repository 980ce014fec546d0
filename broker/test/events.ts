import type { MqttClient } from 'mqtt'

/** mqtt.js types its own emitter, which node's `once` does not take. Rejects on nothing: an error is an answer too. */
export function nextEvent(client: MqttClient, event: 'close' | 'connect' | 'error'): Promise<unknown> {
  return new Promise((resolve) => {
    client.once(event, (answer?: unknown) => resolve(answer))
  })
}
