import { Type } from 'typebox'
import { Command } from './commands.ts'
import { EpochMs, Value } from './common.ts'
import { Spool } from './system.ts'

/** Server-sent events and long polling carry the same events; `event:` is `type`, `data:` is `data`. */
export const LiveEvent = Type.Union([
  Type.Object({
    type: Type.Literal('hello'),
    data: Type.Object({ stream: Type.String(), serverTime: EpochMs }),
  }),
  Type.Object({
    type: Type.Literal('reading'),
    data: Type.Object({
      deviceId: Type.String(),
      time: EpochMs,
      values: Type.Record(Type.String(), Value),
    }),
  }),
  Type.Object({
    type: Type.Literal('presence'),
    data: Type.Object({
      deviceId: Type.String(),
      status: Type.Union([Type.Literal('online'), Type.Literal('offline')]),
      since: EpochMs,
      reason: Type.String(),
    }),
  }),
  Type.Object({ type: Type.Literal('command'), data: Command }),
  Type.Object({
    type: Type.Literal('rejected'),
    data: Type.Object({
      deviceId: Type.String(),
      receivedAt: EpochMs,
      topic: Type.String(),
      reason: Type.String(),
      /** At most one event a second and device: so many messages since the last one, this newest one included. */
      count: Type.Optional(Type.Integer()),
    }),
  }),
  /** Fleet streams only, once a second. */
  Type.Object({
    type: Type.Literal('totals'),
    data: Type.Object({
      time: EpochMs,
      messagesPerSecond: Type.Number(),
      connections: Type.Integer(),
      databaseUp: Type.Optional(Type.Boolean({ description: 'every broker stores what it takes' })),
      spool: Type.Optional(
        Type.Union([Spool, Type.Null()], { description: 'of all brokers together; null: none tells of one' }),
      ),
    }),
  }),
  Type.Object({ type: Type.Literal('resync'), data: Type.Object({ reason: Type.String() }) }),
  Type.Object({ type: Type.Literal('ping'), data: Type.Object({ serverTime: EpochMs }) }),
])
export type LiveEvent = Type.Static<typeof LiveEvent>

export const PollAnswer = Type.Object({
  events: Type.Array(Type.Object({ id: Type.String(), type: Type.String(), data: Type.Unknown() })),
  cursor: Type.String(),
})
export type PollAnswer = Type.Static<typeof PollAnswer>
