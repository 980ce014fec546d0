import { Type } from 'typebox'
import { EpochMs } from './common.ts'
import { TagList } from './devices.ts'
import { PresenceStatus } from './presence.ts'

export const FleetQuery = Type.Object({
  q: Type.Optional(Type.String({ maxLength: 200, description: 'part of the id or name' })),
  status: Type.Optional(PresenceStatus),
  tag: Type.Optional(TagList),
  type: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
})
export type FleetQuery = Type.Static<typeof FleetQuery>

/** Every matching device in order of id, as light as it can be: a lamp each. */
export const FleetIndex = Type.Object({
  ids: Type.Array(Type.String()),
  states: Type.String({
    description: 'a letter for each id: o online, s silent, x offline, n never seen, d disabled',
  }),
  truncated: Type.Boolean({ description: 'only the first fit' }),
})
export type FleetIndex = Type.Static<typeof FleetIndex>

const Counts = Type.Array(Type.Object({ name: Type.String(), count: Type.Integer() }))

/** How many devices choosing a facet would leave: one status and one type at a time, tags together. */
export const FleetFacets = Type.Object({
  matching: Type.Integer({ description: 'devices the filter matches' }),
  status: Type.Object({
    online: Type.Integer(),
    silent: Type.Integer(),
    offline: Type.Integer(),
    never: Type.Integer(),
  }),
  tags: Counts,
  types: Counts,
})
export type FleetFacets = Type.Static<typeof FleetFacets>

/** One line for each device: its first metric that is a number; a device without one is left out. */
export const FleetSparklines = Type.Object({
  from: EpochMs,
  stepMs: Type.Integer(),
  items: Type.Array(
    Type.Object({
      deviceId: Type.String(),
      metric: Type.String(),
      values: Type.Array(Type.Union([Type.Number(), Type.Null()]), {
        description: 'averages, one a step from `from` on; null where nothing was measured',
      }),
    }),
  ),
})
export type FleetSparklines = Type.Static<typeof FleetSparklines>

/** The last 24 hours of each device, in 24 equal parts that end now. */
export const FleetDays = Type.Object({
  from: EpochMs,
  to: EpochMs,
  items: Type.Array(
    Type.Object({
      deviceId: Type.String(),
      shares: Type.Array(Type.Union([Type.Number(), Type.Null()]), {
        description: 'of each hour, the share connected; null where nothing is known',
      }),
      uptimePercent: Type.Union([Type.Number(), Type.Null()], {
        description: 'time connected, of the time that is known',
      }),
    }),
  ),
})
export type FleetDays = Type.Static<typeof FleetDays>

/** Connected devices whose newest value is beyond an alarm threshold of their type; the newest alarms first. */
export const FleetAlarms = Type.Object({
  count: Type.Integer({ description: 'of all; `items` holds the first' }),
  items: Type.Array(
    Type.Object({
      deviceId: Type.String(),
      name: Type.String(),
      type: Type.String(),
      metric: Type.String(),
      value: Type.Number(),
      time: EpochMs,
      since: Type.Union([EpochMs, Type.Null()], { description: 'null: for longer than was looked at' }),
    }),
  ),
})
export type FleetAlarms = Type.Static<typeof FleetAlarms>
