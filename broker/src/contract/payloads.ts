import type { ProblemCode } from './problems.ts'

/** What travels on the topics of topics.ts. Times are epoch milliseconds. */

export type Value = number | boolean | string

/** Bounds a device meets; the same numbers stand in docs/SPEC.md. */
export const payloadLimits = {
  payloadBytesMax: 64 * 1024,
  metricsPerMessageMax: 256,
  metricNameCharsMax: 128,
  stringBytesMax: 1024,
  depthMax: 8,
} as const

/** `devices/{id}/telemetry` as subscribers see it: what was stored, with its time. */
export interface StampedReading {
  ts: number
  values: Record<string, Value>
}

/** `devices/{id}/commands/{commandId}`. */
export interface CommandPayload {
  name: string
  params: unknown
  sentAt: number
  /** What is left of the command's time to live when it is sent. */
  ttlMs: number
}

export const replyStatuses = ['accepted', 'progress', 'succeeded', 'failed', 'rejected'] as const
export type ReplyStatus = (typeof replyStatuses)[number]

/** `devices/{id}/commands/{commandId}/reply`. */
export interface ReplyPayload {
  status: ReplyStatus
  result?: unknown
  error?: string
}

export const presenceReasons = [
  'connected',
  'disconnected',
  'connection_lost',
  'keep_alive_lost',
  'taken_over',
  'said_online',
  'said_offline',
  'revoked',
  'protocol_error',
  'broker_stopped',
  'broker_lost',
] as const
export type PresenceReason = (typeof presenceReasons)[number]

/** `$telltale/presence/{id}`. */
export interface PresencePayload {
  deviceId: string
  status: 'online' | 'offline'
  since: number
  reason: PresenceReason
}

/** `$telltale/rejected/{id}`. */
export interface RejectedPayload {
  deviceId: string
  receivedAt: number
  topic: string
  reason: string
}

export type ProblemCounts = Partial<Record<ProblemCode, number>>

/** `$telltale/totals/{brokerId}`: running totals since the broker's start, and what is true now. */
export interface TotalsPayload {
  brokerId: string
  startedAt: number
  connections: number
  messagesTotal: number
  readingsTotal: number
  rejectedTotal: number
  duplicatesTotal: number
  conflictsTotal: number
  batchesTotal: number
  pendingRows: number
  pendingBytes: number
  /** Share of the last second in which as many batches were being stored as may be: 1 is full capacity. */
  busyShare: number
  /** Milliseconds from joining a batch to its commit, over the last second; null when nothing was stored. */
  commitP50Ms: number | null
  commitP99Ms: number | null
  databaseUp: boolean
  /** Connections refused or ended and limits hit, by code; one that never happened is left out. */
  problems?: ProblemCounts
  /** Messages dropped because the client they were for did not take them. */
  droppedTotal?: number
  /** Messages with readings whose PUBACK or PUBREC was written: never more than were stored. */
  acknowledgedTotal?: number
  connectionsBy?: ConnectionCount[]
  /** Memory of the broker's process. */
  rssBytes?: number
  nodeVersion?: string
  aedesVersion?: string
  spool?: SpoolState
}

/** What the broker keeps on its own disk while the database does not answer. */
export interface SpoolState {
  /**
   * empty: nothing waits. taking: messages are kept and acknowledged here, for the database does not answer. replaying:
   * it answers, and what waits here is being stored. full: nothing more is taken, and publishers are not read.
   */
  state: 'empty' | 'taking' | 'replaying' | 'full'
  /**
   * Only while it is full, why. full: it has all it may take. disk_full: the disk has too little room left. failed: the
   * disk does not do its work.
   */
  refusal?: 'full' | 'disk_full' | 'failed'
  /** Messages that wait to be stored, and the bytes they take on disk. */
  messages: number
  /** Of them, replies and status words. */
  words: number
  bytes: number
  bytesMax: number
  /** When the one that waits the longest was received; null when none waits. */
  oldestAt: number | null
  /** Messages, no words, kept here, and brought from here into the database, since the broker's start. */
  spooledTotal: number
  replayedTotal: number
  /** Of what cannot be read any more and was set aside for a person to look at. */
  damagedBytes: number
}

/** Open connections of one listener. */
export interface ConnectionCount {
  listener: 'tcp' | 'tls' | 'ws'
  who: 'device' | 'integration'
  count: number
}
