import { limits } from '@telltale/infra/limits'
import type { Pool } from '@telltale/infra/storage/pool'
import { closeSessions, openSessions, reportStatuses } from '@telltale/infra/storage/sessions'
import type { PresenceReason } from './contract/index.ts'
import type { DeviceSession } from './presence.ts'

export type Change =
  | { kind: 'open'; session: DeviceSession }
  | { kind: 'close'; session: DeviceSession; at: Date; reason: PresenceReason; isTakenOver?: boolean }
  | Report

export interface Report {
  kind: 'report'
  session: DeviceSession
  status: 'online' | 'offline'
  at: Date
  /** Called when it is written: the messages it came from may be acknowledged. */
  written: Set<() => void>
}

/**
 * Writes changes in an order that means the same as theirs, in few statements however they alternate: a session's end
 * before the next one of its device begins (that would end it as taken over), and after its own beginning.
 * Doing it again after a failure is harmless: what has its row gets no other.
 */
export async function writeChanges(
  { pool, brokerId }: { pool: Pool; brokerId: string },
  changes: Change[],
): Promise<void> {
  const opens = changes.filter(({ kind, session }) => kind === 'open' && session.epoch === undefined)
  const begun = new Set(opens.map(({ session }) => session))
  await close(
    pool,
    changes.filter(({ session }) => !begun.has(session)),
  )
  if (opens.length > 0) {
    const sessions = opens.map(({ session }) => session)
    const epochs = await openSessions(
      pool,
      sessions.map((session) => ({ ...session, brokerId, isLate: isLate(session) })),
    )
    for (const [i, session] of sessions.entries()) {
      const epoch = epochs[i]
      if (epoch != null) session.epoch = epoch
    }
  }
  await close(
    pool,
    changes.filter(({ session }) => begun.has(session)),
  )
  await report(pool, changes)
}

/** Longer than it takes while the database answers, or other brokers have announced it. */
export function isLate({ connectedAt }: DeviceSession): boolean {
  return Math.abs(Date.now() - connectedAt.getTime()) > limits.presence.lateMs
}

async function close(pool: Pool, changes: Change[]): Promise<void> {
  const closes = changes.filter((change) => change.kind === 'close' && change.session.epoch !== undefined)
  const ends = closes.flatMap((change) =>
    change.kind === 'close'
      ? [{ epoch: change.session.epoch as number, disconnectedAt: change.at, reason: change.reason }]
      : [],
  )
  if (ends.length === 0) return
  const takenOver = await closeSessions(pool, ends)
  for (const change of closes)
    if (change.kind === 'close' && takenOver.has(change.session.epoch as number)) change.isTakenOver = true
}

/** The newest word of each session. */
async function report(pool: Pool, changes: Change[]): Promise<void> {
  const words = new Map<number, { epoch: number; status: 'online' | 'offline'; at: Date }>()
  for (const change of changes) {
    const { epoch } = change.session
    if (change.kind === 'report' && epoch !== undefined)
      words.set(epoch, { epoch, status: change.status, at: change.at })
  }
  if (words.size > 0) await reportStatuses(pool, [...words.values()])
}
