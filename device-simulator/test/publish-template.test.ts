import { topics } from '@telltale/broker/contract'
import { parser } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { METRICS_PER_MESSAGE, PublishTemplate } from '../bench/publish-template.ts'

function read(bytes: Buffer): { topic: string; messageId: number; ts: number; values: object } {
  const packets: unknown[] = []
  const reader = parser()
  reader.on('packet', (packet) => packets.push(packet))
  reader.parse(bytes)
  expect(packets).toHaveLength(1)
  const { topic, messageId, payload } = packets[0] as { topic: string; messageId: number; payload: Buffer }
  return { topic, messageId, ...JSON.parse(payload.toString()) }
}

test('stamps a valid PUBLISH with a new id, the next millisecond and five finite values', () => {
  const template = new PublishTemplate('bench-1', 1_764_000_000_998)
  for (const [i, packetId] of [1, 9, 256, 65_535].entries()) {
    template.stamp(packetId)
    const { topic, messageId, ts, values } = read(Buffer.from(template.bytes))
    expect(topic).toBe(topics.telemetry('bench-1'))
    expect(messageId).toBe(packetId)
    // The third and fourth carry over three digits.
    expect(ts).toBe(1_764_000_000_998 + i)
    expect(Object.values(values)).toHaveLength(METRICS_PER_MESSAGE)
    expect(Object.values(values).every(Number.isFinite)).toBe(true)
  }
})
