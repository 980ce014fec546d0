/** One device's MQTT connection: who it is, its Last Will, its back-off. */
import { filters, parseTopic, topics } from '@telltale/broker/contract'
import { connect, type MqttClient } from 'mqtt'
import * as limits from './limits.ts'
import type { Rng } from './rng.ts'

export interface LinkDeps {
  mqttUrl: string
  deviceId: string
  secret: string
  rng: Rng
  onConnect(): void
  onLost(): void
  onCommand(commandId: string, payload: string): void
  onProblem(problem: string): void
  /** Asked once in the life of a link, when the broker refuses the secret. */
  renewSecret(): Promise<string>
}

export interface Link {
  readonly connected: boolean
  /** QoS 1; `acked(false)` when the link ended first. */
  publish(message: Message, acked: (ok: boolean) => void): void
  /** Destroys the socket: no DISCONNECT, and no goodbye. */
  cut(): void
  /** Says offline, then DISCONNECT. */
  end(): Promise<void>
}

export interface Message {
  topic: string
  payload: string
  retain?: boolean
  dup?: boolean
}

/** CONNACK return codes 4 (bad user name or password) and 5 (not authorized), MQTT 3.1.1 §3.2.2.3. */
const REFUSED = new Set<unknown>([4, 5])

export function openLink(deps: LinkDeps): Link {
  const status = topics.status(deps.deviceId)
  const client = connect(deps.mqttUrl, {
    protocolVersion: 4,
    clientId: deps.deviceId,
    username: deps.deviceId,
    password: deps.secret,
    keepalive: limits.keepAliveSeconds,
    connectTimeout: limits.connectTimeoutMs,
    reconnectPeriod: limits.reconnectMinMs,
    reconnectOnConnackError: true,
    resubscribe: false,
    will: { topic: status, payload: Buffer.from('offline'), qos: 1, retain: true },
  })
  backOff(client, deps.rng)
  listen(client, deps)
  return {
    get connected() {
      return client.connected
    },
    publish: ({ topic, payload, retain = false, dup = false }, acked) => {
      client.publish(topic, payload, { qos: 1, retain, dup }, (error) => acked(!error))
    },
    cut: () => void client.stream.destroy(),
    async end() {
      if (!client.connected) return client.endAsync(true)
      await client.publishAsync(status, 'offline', { qos: 1, retain: true }).catch(() => {})
      await client.endAsync()
    },
  }
}

function listen(client: MqttClient, deps: LinkDeps): void {
  let renewed = false
  client.on('connect', () => {
    client.subscribe(filters.commands(deps.deviceId), { qos: 1 }, (error) => {
      if (error) deps.onProblem(`subscription refused: ${error.message}`)
    })
    client.publish(topics.status(deps.deviceId), 'online', { qos: 1, retain: true })
    deps.onConnect()
  })
  client.on('offline', () => deps.onLost())
  client.on('message', (topic, payload) => {
    const parsed = parseTopic(topic)
    if (parsed.kind === 'command') deps.onCommand(parsed.commandId, payload.toString())
  })
  client.on('error', (error) => {
    deps.onProblem(error.message || ('code' in error ? String(error.code) : error.name))
    if (renewed || !('code' in error) || !REFUSED.has(error.code)) return
    renewed = true
    deps.renewSecret().then(
      (secret) => {
        client.options.password = secret
      },
      (reason: unknown) => deps.onProblem(String(reason)),
    )
  })
}

/** mqtt.js waits the same period every time; a fleet that lost its broker must not come back in step. */
function backOff(client: MqttClient, rng: Rng): void {
  let attempt = 0
  const next = () => {
    const ceilingMs = Math.min(limits.reconnectMaxMs, limits.reconnectMinMs * 2 ** attempt)
    client.options.reconnectPeriod = Math.round(ceilingMs * rng.between(0.5, 1))
  }
  next()
  client.on('connect', () => {
    attempt = 0
    next()
  })
  client.on('reconnect', () => {
    attempt++
    next()
  })
}
