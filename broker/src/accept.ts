import { randomUUID } from 'node:crypto'
import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import type { RejectedRow } from '@telltale/infra/storage/telemetry'
import type { PublishPacket } from 'aedes'
import { refusedReason } from './batch.ts'
import { decodeReply } from './command-replies.ts'
import type { CommandDispatcher } from './commands.ts'
import { type RejectedPayload, type Topic, topics } from './contract/index.ts'
import type { InTurn } from './in-turn.ts'
import type { DeviceSession, Presence, Source } from './presence.ts'
import type { Outage } from './spool/outage.ts'
import { type Decoded, decodeMetric, decodeTelemetry, encodeReadings, type TimeWindow } from './telemetry.ts'
import type { TelemetryWriter } from './telemetry-writer.ts'

export interface AcceptDeps {
  writer: TelemetryWriter
  outage: Outage
  presence: Presence
  commands: CommandDispatcher
  /** Those to one command are settled or kept in the order they came. */
  replies: InTurn
  window: TimeWindow
  log: Logger
  /** Sends a message of the platform's own, QoS 0. */
  publish: (topic: string, payload: Buffer) => void
}

/**
 * What a publish under a device's root means, by the device or in its name. `done` is called when it is safe to
 * acknowledge; the packet is then forwarded as it stands, so what subscribers must not see (an unreadable payload) or
 * must see otherwise (without its time) is changed in place here.
 */
export function acceptPublish(deps: AcceptDeps, publish: Publish): void {
  const { source, packet, topic, payload, nowMs, done } = publish
  const { clock } = source
  switch (topic.kind) {
    case 'telemetry':
      return store(deps, publish, decodeTelemetry(payload, { nowMs, clock, window: deps.window }))
    case 'metric': {
      const decoded = decodeMetric(topic.metric, payload, { nowMs, clock })
      // The plain value has no room for its time: the API gets it in stamped form beside the device's own message.
      const tellApi = () => {
        if (decoded.readings.length > 0)
          deps.publish(topics.platform('readings', source.deviceId), encodeReadings(decoded.readings))
        done()
      }
      return store(deps, { ...publish, done: tellApi }, decoded)
    }
    case 'status':
      return acceptStatus(deps, publish)
    case 'reply':
      return acceptReply(deps, publish, topic.commandId)
    case 'unknown':
      // Under the device's own root but none of ours: plain MQTT, forwarded, not stored.
      return done()
    case 'command':
    case 'platform':
    case 'foreign':
      throw new Error(`nobody may publish to ${packet.topic} for a device: mayPublish() is wrong`)
  }
}

export interface Publish {
  /** The device it speaks for; its session, when it is the device itself. */
  source: Source | DeviceSession
  packet: PublishPacket
  /** The packet's topic, which the publisher may use. */
  topic: Topic
  payload: Buffer
  /** When it arrived. */
  nowMs: number
  done: () => void
}

/** On the path of every message: plain objects of one shape, no spreading (it cost a tenth of the broker's time). */
function store(deps: AcceptDeps, publish: Publish, decoded: Decoded): void {
  const { source, packet, payload, nowMs, done } = publish
  deps.presence.heard(source, nowMs)
  let rowCount = decoded.rejected === undefined ? 0 : 1
  for (const reading of decoded.readings) rowCount += reading.metrics.length
  deps.writer.add({
    deviceId: source.deviceId,
    readings: decoded.readings,
    rejected: decoded.rejected === undefined ? undefined : rejectedRow(publish, decoded.rejected),
    rowCount,
    payloadBytes: payload.length,
    receivedAtMs: nowMs,
    stored: () => {
      if (decoded.rejected !== undefined) tellRejected(deps, publish, decoded)
      if (decoded.stamped) packet.payload = decoded.stamped
      done()
    },
  })
}

function rejectedRow({ source, packet, payload, nowMs }: Publish, reason: string): RejectedRow {
  return {
    key: randomUUID(),
    deviceId: source.deviceId,
    receivedAtMs: nowMs,
    topic: packet.topic,
    reason,
    // A copy: the payload is a slice of the socket's chunk.
    payload: Buffer.from(payload.subarray(0, limits.rejected.payloadBytesKept)),
    payloadBytes: payload.length,
  }
}

/** A message with nothing readable in it is forwarded to nobody: in its place goes word of its rejection. */
function tellRejected(deps: AcceptDeps, { source, packet, nowMs }: Publish, decoded: Decoded): void {
  const word: RejectedPayload = {
    deviceId: source.deviceId,
    receivedAt: nowMs,
    topic: packet.topic,
    reason: decoded.rejected ?? '',
  }
  const topic = topics.platform('rejected', source.deviceId)
  const payload = Buffer.from(JSON.stringify(word))
  if (decoded.readings.length > 0) return deps.publish(topic, payload)
  packet.topic = topic
  packet.payload = payload
  packet.retain = false
}

function acceptStatus(deps: AcceptDeps, publish: Publish): void {
  const { payload } = publish
  // An empty retained status clears the retained message; it says nothing about the device.
  if (payload.length === 0) return publish.done()
  const status = decodeStatus(payload)
  if (!status) return store(deps, publish, { readings: [], rejected: 'status is neither online nor offline' })
  const session = publish.source as DeviceSession
  let withdraw = () => {}
  const written = new Promise<void>((resolve) => {
    withdraw = deps.presence.reported(session, status, resolve)
  })
  // A word belongs to its connection: one whose beginning is not on record yet has no place to look for later.
  const report = { epoch: session.epoch ?? NO_EPOCH, status, at: new Date(publish.nowMs) }
  void deps.outage
    .doOrKeep(session.deviceId, { kind: 'status', report }, () => written)
    .then(() => {
      withdraw()
      publish.done()
    })
}

/** No row has it. */
const NO_EPOCH = 0

/** `online` / `offline`, or `{"status": …}`. */
function decodeStatus(payload: Buffer): 'online' | 'offline' | undefined {
  const text = payload.toString('utf8').trim()
  if (text === 'online' || text === 'offline') return text
  try {
    const parsed = JSON.parse(text) as { status?: unknown } | string | null
    const status = typeof parsed === 'object' ? parsed?.status : parsed
    return status === 'online' || status === 'offline' ? status : undefined
  } catch {
    return undefined
  }
}

function acceptReply(deps: AcceptDeps, publish: Publish, commandId: string): void {
  const { payload } = publish
  const reply = payload.length <= limits.commands.replyBytesMax ? decodeReply(payload) : undefined
  if (!reply) {
    const rejected =
      'not a reply: {"status": accepted | progress | succeeded | failed | rejected, …} expected, ' +
      `at most ${limits.commands.replyLevelsMax} levels deep`
    return store(deps, publish, { readings: [], rejected })
  }
  const { deviceId } = publish.source
  // The row is the truth: a reply is acknowledged when it is written, or when it is kept to be written.
  const settle = (attempt: number) =>
    deps.commands.reply({ deviceId, commandId, isRepeated: attempt > 0 || publish.packet.dup }, reply)
  const record = { kind: 'reply' as const, reply: { deviceId, commandId, payload: reply } }
  deps.replies
    .do(commandId, () => deps.outage.doOrKeep(deviceId, record, settle))
    .then(publish.done, (error: Error) =>
      store(deps, publish, { readings: [], rejected: refusedReason(error) }),
    )
}
