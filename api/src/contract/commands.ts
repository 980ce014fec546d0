import { Type } from 'typebox'
import { DeviceId, Instant, Problem } from './common.ts'

export const commandStatuses = [
  'queued',
  'sent',
  'delivered',
  'accepted',
  'succeeded',
  'failed',
  'rejected',
  'expired',
  'timed_out',
  'cancelled',
] as const
export const CommandStatus = Type.Union(commandStatuses.map((status) => Type.Literal(status)))
export type CommandStatus = (typeof commandStatuses)[number]

const OptionalInstant = Type.Union([Instant, Type.Null()])

export const Command = Type.Object({
  id: Type.String({ format: 'uuid' }),
  deviceId: Type.String(),
  name: Type.String(),
  params: Type.Unknown(),
  status: Type.Enum([...commandStatuses]),
  ttlMs: Type.Integer(),
  createdBy: Type.String(),
  createdAt: Instant,
  expiresAt: Instant,
  sentAt: OptionalInstant,
  deliveredAt: OptionalInstant,
  acceptedAt: OptionalInstant,
  /** While delivered or accepted: the reply must come before this. */
  replyDueAt: OptionalInstant,
  finishedAt: OptionalInstant,
  progress: Type.Unknown(),
  result: Type.Unknown(),
  error: Type.Union([Type.String(), Type.Null()]),
})
export type Command = Type.Static<typeof Command>

/** A step of a command, or what was heard of it besides. */
export const CommandEvent = Type.Object({
  status: Type.Enum([...commandStatuses, 'progress', 'late_reply'], {
    description: 'late_reply: the device answered when the command was over; it changed nothing else',
  }),
  at: Instant,
  detail: Type.Unknown({ description: 'the progress, the result, {result, error}, or the whole late reply' }),
})
export type CommandEvent = Type.Static<typeof CommandEvent>

export const CommandDetail = Type.Object({
  ...Command.properties,
  events: Type.Array(CommandEvent, { description: 'in the order they happened' }),
})
export type CommandDetail = Type.Static<typeof CommandDetail>

export const CommandName = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: '^[^\\u0000-\\u001f\\u007f]+$',
})
export const TtlMs = Type.Integer({ minimum: 1_000, maximum: 7 * 24 * 3_600_000, default: 30_000 })

export const NewCommand = Type.Object(
  { name: CommandName, params: Type.Optional(Type.Unknown()), ttlMs: Type.Optional(TtlMs) },
  { additionalProperties: false },
)
export type NewCommand = Type.Static<typeof NewCommand>

/** Frames of `GET /api/v1/socket`, subprotocol `telltale.v1`. */
export const ClientFrame = Type.Union([
  Type.Object({ type: Type.Literal('auth'), token: Type.String({ maxLength: 256 }) }),
  Type.Object({
    type: Type.Literal('command'),
    id: Type.String({ format: 'uuid' }),
    deviceId: DeviceId,
    name: CommandName,
    params: Type.Optional(Type.Unknown()),
    ttlMs: Type.Optional(TtlMs),
  }),
  Type.Object({ type: Type.Literal('ping') }),
  Type.Object({ type: Type.Literal('pong') }),
])
export type ClientFrame = Type.Static<typeof ClientFrame>

export const ServerFrame = Type.Union([
  Type.Object({ type: Type.Literal('hello'), protocol: Type.String(), serverTime: Type.Integer() }),
  Type.Object({ type: Type.Literal('command'), command: Command }),
  Type.Object({ type: Type.Literal('error'), id: Type.Optional(Type.String()), problem: Problem }),
  Type.Object({ type: Type.Literal('ping') }),
  Type.Object({ type: Type.Literal('pong') }),
])
export type ServerFrame = Type.Static<typeof ServerFrame>
