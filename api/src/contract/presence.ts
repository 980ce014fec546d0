import { Type } from 'typebox'
import { EpochMs, Instant } from './common.ts'

/** Connected and fresh are two things: silent = connected, but nothing for three of its usual intervals. */
export const PresenceStatus = Type.Union([
  Type.Literal('online'),
  Type.Literal('silent'),
  Type.Literal('offline'),
  Type.Literal('never'),
])
export type PresenceStatus = Type.Static<typeof PresenceStatus>

export const Presence = Type.Object({
  status: PresenceStatus,
  since: Type.Union([EpochMs, Type.Null()]),
  reason: Type.Union([Type.String(), Type.Null()]),
  /** When the newest telemetry message arrived. */
  seenAt: Type.Union([EpochMs, Type.Null()]),
})
export type Presence = Type.Static<typeof Presence>

export const DeviceSession = Type.Object({
  connectedAt: Instant,
  disconnectedAt: Type.Union([Instant, Type.Null()]),
  durationMs: Type.Integer(),
  reason: Type.Union([Type.String(), Type.Null()]),
  address: Type.Union([Type.String(), Type.Null()]),
})
export const PresenceHistory = Type.Object({
  deviceId: Type.String(),
  from: EpochMs,
  to: EpochMs,
  uptimePercent: Type.Number({ description: 'share of the range connected, 0 to 100' }),
  sessions: Type.Array(DeviceSession),
  /** True when older sessions of the range were left out. */
  truncated: Type.Boolean(),
})
export type PresenceHistory = Type.Static<typeof PresenceHistory>
