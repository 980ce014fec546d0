import { expect, it } from 'vitest'
import type { Message } from './batch.ts'
import { Totals } from './totals.ts'

const messages = (count: number): Message[] =>
  Array.from({ length: count }, (_, n) => ({
    deviceId: 'any',
    receivedAtMs: n,
    payloadBytes: 1,
    rowCount: 1,
    readings: [{ timeMs: n, metrics: ['a'], values: [n] }],
    rejected: undefined,
    stored: () => {},
  }))

it('R-SEEN-9 a message that was stored and kept on disk as well is counted once', () => {
  const totals = new Totals()
  totals.stored(messages(5), 1)
  totals.stillToCome(messages(5))
  totals.replayed(messages(3))
  totals.replayed(messages(4))
  const counted = totals.take({
    ...{ brokerId: 'b', connections: 0, connectionsBy: [], aedesVersion: '0', problems: {}, droppedTotal: 0 },
    ...{ pendingRows: 0, pendingBytes: 0, busyShare: 0 },
    spool: {
      ...{ state: 'empty', messages: 0, words: 0, bytes: 0, bytesMax: 1, oldestAt: null },
      ...{ spooledTotal: 0, replayedTotal: 0, damagedBytes: 0 },
    },
  })
  expect(counted).toMatchObject({ messagesTotal: 7, readingsTotal: 7 })
})
