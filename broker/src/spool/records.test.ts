import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { decodeRecord, encodeRecord, type KeptMessage, type SpoolRecord } from './records.ts'

const T0 = 1_764_000_000_000

function messageOf(given: Partial<KeptMessage>): SpoolRecord {
  const message = {
    deviceId: 'd',
    receivedAtMs: T0,
    payloadBytes: 9,
    rowCount: 0,
    readings: [],
    rejected: undefined,
  }
  return { kind: 'message', message: { ...message, ...given }, lastDeletion: 3 }
}

it.each<[string, SpoolRecord]>([
  [
    'numbers to the last bit, and text of every kind',
    messageOf({
      readings: [
        {
          timeMs: T0,
          metrics: ['a', '__proto__', '1'],
          values: [0.1 + 0.2, 5e-324, -1.7976931348623157e308],
        },
        { timeMs: T0 + 1, metrics: ['t', 'ok', 'n'], values: ['\u2028 "\\ \u{1F600}', true, -0] },
        { timeMs: T0 + 2, metrics: ['zero', 'zeros'], values: [0, -0] },
      ],
      rowCount: 8,
    }),
  ],
  [
    'a rejected message with its bytes',
    messageOf({
      rowCount: 1,
      rejected: {
        ...{ key: randomUUID(), deviceId: 'd', receivedAtMs: T0, topic: 'devices/d/telemetry' },
        ...{ reason: 'not JSON', payload: Buffer.from([0, 255, 10, 13]), payloadBytes: 70_000 },
      },
    }),
  ],
  [
    'a reply',
    {
      kind: 'reply',
      reply: { deviceId: 'd', commandId: randomUUID(), payload: { status: 'failed', error: 'x' } },
    },
  ],
  ['a status word', { kind: 'status', report: { epoch: 7, status: 'offline', at: new Date(T0) } }],
])('R-WRITE-1 the spool gives back %s', (_, record) => {
  expect(decodeRecord(encodeRecord(record))).toStrictEqual(record)
})

it('R-WRITE-2 a record of a newer version is not passed over', () => {
  expect(() => decodeRecord(Buffer.from('{"q":{"d":"d"}}'))).toThrow('a newer Telltale wrote it')
})
