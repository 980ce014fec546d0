import { Type } from 'typebox'
import { CommandName, commandStatuses, TtlMs } from './commands.ts'
import { DeviceId, Instant } from './common.ts'
import { PresenceStatus } from './presence.ts'

/** Which devices: all conditions together. Everybody is said in so many words, never by leaving the rest out. */
export const DeviceFilter = Type.Object(
  {
    all: Type.Optional(Type.Literal(true)),
    ids: Type.Optional(Type.Array(DeviceId, { minItems: 1, maxItems: 1_000, uniqueItems: true })),
    q: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'part of the id or name' })),
    status: Type.Optional(PresenceStatus),
    tag: Type.Optional(
      Type.String({ minLength: 1, maxLength: 520, description: 'or several with commas: all of them' }),
    ),
    type: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  },
  { additionalProperties: false, minProperties: 1 },
)
export type DeviceFilter = Type.Static<typeof DeviceFilter>

export const NewCommandBatch = Type.Object(
  {
    filter: DeviceFilter,
    name: CommandName,
    params: Type.Optional(Type.Unknown()),
    ttlMs: Type.Optional(TtlMs),
    dryRun: Type.Optional(Type.Boolean({ default: false, description: 'only count the devices' })),
    devicesMax: Type.Optional(
      Type.Integer({ minimum: 1, description: 'refuse when the filter has come to match more than this' }),
    ),
  },
  { additionalProperties: false },
)
export type NewCommandBatch = Type.Static<typeof NewCommandBatch>

/** What a dry run answers: how many devices the filter matches now. */
export const CommandBatchCount = Type.Object({
  devices: Type.Integer(),
  online: Type.Integer({ description: 'of them, connected now' }),
  disabled: Type.Integer({ description: 'of them, disabled: they will be refused' }),
})
export type CommandBatchCount = Type.Static<typeof CommandBatchCount>

/** `waiting`: its command is not made yet · `refused`: it cannot take it · `stopped`: ended before its turn. */
export const CommandBatchStatus = Type.Enum([...commandStatuses, 'waiting', 'refused', 'stopped'])
export type CommandBatchStatus = Type.Static<typeof CommandBatchStatus>

/** One command for many devices, made a few devices at a time; without what it takes to look at each device. */
export const CommandBatchSummary = Type.Object({
  id: Type.String({ format: 'uuid' }),
  name: Type.String(),
  ttlMs: Type.Integer({ description: 'of each command, from its own making' }),
  filter: DeviceFilter,
  status: Type.Union([Type.Literal('running'), Type.Literal('finished'), Type.Literal('stopped')], {
    description: 'finished: every command is made; what became of them is in `results` of the one batch',
  }),
  devices: Type.Integer(),
  made: Type.Integer({ description: 'of them, those whose command is made or refused' }),
  createdBy: Type.String(),
  createdAt: Instant,
  finishedAt: Type.Union([Instant, Type.Null()], { description: 'when it was finished or stopped' }),
})
export type CommandBatchSummary = Type.Static<typeof CommandBatchSummary>

export const CommandBatch = Type.Object({
  ...CommandBatchSummary.properties,
  params: Type.Unknown(),
  results: Type.Record(Type.String(), Type.Integer(), {
    description: 'how many devices are in each state; states nobody is in are left out',
  }),
})
export type CommandBatch = Type.Static<typeof CommandBatch>

export const CommandBatchResult = Type.Object({
  deviceId: Type.String(),
  deviceName: Type.Union([Type.String(), Type.Null()], { description: 'null when it was deleted' }),
  commandId: Type.Union([Type.String({ format: 'uuid' }), Type.Null()]),
  status: CommandBatchStatus,
  error: Type.Union([Type.String(), Type.Null()]),
  expiresAt: Type.Union([Instant, Type.Null()], {
    description: 'how long a queued one waits for its device',
  }),
  finishedAt: Type.Union([Instant, Type.Null()]),
})
export type CommandBatchResult = Type.Static<typeof CommandBatchResult>
