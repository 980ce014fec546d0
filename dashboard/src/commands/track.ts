import type { Command } from '@telltale/api/contract'
import { formatClock, formatClockShort, formatDuration } from '../ui/format.ts'
import type { LampShape, LampTone } from '../ui/lamp.tsx'

type Status = Command['status']

/** Statuses only move forward; the higher rank of two records of one command is the newer. */
const rank: Record<Status, number> = {
  queued: 0,
  sent: 1,
  delivered: 2,
  accepted: 3,
  succeeded: 4,
  failed: 4,
  rejected: 4,
  expired: 4,
  timed_out: 4,
  cancelled: 4,
}

export function isFinished(command: Command): boolean {
  return rank[command.status] === 4
}

/** Two channels and a list tell of the same command; whichever is further along is right. */
export function newerOf(a: Command | undefined, b: Command): Command {
  return a !== undefined && rank[a.status] > rank[b.status] ? a : b
}

/** Newest first, every command once. */
export function mergeCommands(known: readonly Command[], heard: readonly Command[]): Command[] {
  const byId = new Map(known.map((command) => [command.id, command]))
  for (const command of heard) byId.set(command.id, newerOf(byId.get(command.id), command))
  return [...byId.values()].sort((a, b) => b.createdAt.localeCompare(a.createdAt))
}

export type TrackStep = { name: string; time: string; shape: LampShape; tone: LampTone; done: boolean }

/** What a failed lamp looks like; it stands where the next step would have been. */
const endings: Partial<Record<Status, { shape: LampShape; tone: LampTone }>> = {
  failed: { shape: 'fail', tone: 'bad' },
  rejected: { shape: 'fail', tone: 'bad' },
  timed_out: { shape: 'fail', tone: 'warn' },
  expired: { shape: 'disabled', tone: 'off' },
  cancelled: { shape: 'disabled', tone: 'off' },
}

const stepNames = ['queued', 'sent', 'delivered', 'accepted', 'succeeded'] as const

/** Five lamps. A lamp is lit only by evidence: delivered is the device's own acknowledgement. */
export function trackSteps(command: Command): TrackStep[] {
  const times = stepTimes(command)
  const reached = times.findLastIndex((time) => time !== null)
  const running = !isFinished(command)
  const ending = endings[command.status]
  return stepNames.map((name, index) => {
    if (ending !== undefined && index === reached + 1) {
      const time = command.finishedAt === null ? '' : sinceStart(command, Date.parse(command.finishedAt))
      return { name: command.status.replace('_', ' '), time, done: false, ...ending }
    }
    const time = times[index] ?? null
    // A reply "succeeded" may skip "accepted": the lamp then stays lit, without a time of its own.
    const done = time !== null || index < reached
    const words = time === null ? '' : index === 0 ? formatClock(time) : sinceStart(command, time)
    const last = index === reached
    return { name, time: words, done, ...lampOf(command, { done, last, running }) }
  })
}

function sinceStart(command: Command, time: number): string {
  return `+ ${formatDuration(time - Date.parse(command.createdAt))}`
}

function stepTimes(command: Command): (number | null)[] {
  const parse = (time: string | null) => (time === null ? null : Date.parse(time))
  const succeededAt = command.status === 'succeeded' ? parse(command.finishedAt) : null
  const { createdAt, sentAt, deliveredAt, acceptedAt } = command
  const times = [createdAt, sentAt, deliveredAt, acceptedAt].map(parse)
  // A reply may overtake the acknowledgement of what it replies to, and proves the same.
  return [...times, succeededAt].map((time, step, all) => {
    const later = all.slice(step).filter((one) => one !== null)
    return time === null ? null : Math.min(...later)
  })
}

function lampOf(
  command: Command,
  { done, last, running }: { done: boolean; last: boolean; running: boolean },
): { shape: LampShape; tone: LampTone } {
  if (!done) return { shape: 'never', tone: 'off' }
  if (command.status === 'succeeded') return { shape: last ? 'done' : 'online', tone: 'ok' }
  if (running) return { shape: last ? 'busy' : 'online', tone: 'on' }
  return { shape: 'online', tone: 'off' }
}

export type Verdict = { shape: LampShape; tone: LampTone; words: string; ink: string; note: string }

/** One line: where it is, and who said so. */
export function verdict(command: Command, nowMs: number, deviceOffline: boolean): Verdict {
  const elapsed = formatDuration(finishedMs(command, nowMs) - Date.parse(command.createdAt))
  const error = command.error === null ? '' : `: ${command.error}`
  const busy = { shape: 'busy', tone: 'on', ink: 'ink-on' } as const
  switch (command.status) {
    case 'queued':
      return {
        ...busy,
        words: deviceOffline ? 'Waiting' : 'Queued',
        note: deviceOffline
          ? `device is offline, waits until ${untilWords(command)}, then expires`
          : 'waits for the broker',
      }
    case 'sent':
      return { ...busy, words: 'Sent', note: 'handed to the connection' }
    case 'delivered':
      return { ...busy, words: `Delivered, ${elapsed}`, note: dueWords(command, nowMs) }
    case 'accepted':
      return {
        ...busy,
        words: `Running, ${elapsed}`,
        note: progressWords(command) || dueWords(command, nowMs),
      }
    case 'succeeded':
      return { shape: 'done', tone: 'ok', ink: 'ink-ok', words: `succeeded in ${elapsed}`, note: '' }
    case 'failed':
      return { shape: 'fail', tone: 'bad', ink: 'ink-bad', words: `failed${error}`, note: '' }
    case 'rejected':
      return { shape: 'fail', tone: 'bad', ink: 'ink-bad', words: `rejected${error}`, note: '' }
    case 'expired':
      return {
        shape: 'disabled',
        tone: 'off',
        ink: 'ink-2',
        words: `expired, ${formatDuration(command.ttlMs)} passed before delivery`,
        note:
          command.sentAt === null ? 'never sent' : 'sent, never acknowledged: it may have been carried out',
      }
    case 'timed_out':
      return {
        shape: 'fail',
        tone: 'warn',
        ink: 'ink-warn',
        words: 'timed out',
        note: 'delivered, no reply in time',
      }
    case 'cancelled':
      return { shape: 'disabled', tone: 'off', ink: 'ink-2', words: 'cancelled before it was sent', note: '' }
  }
}

function finishedMs(command: Command, nowMs: number): number {
  return command.finishedAt === null ? nowMs : Date.parse(command.finishedAt)
}

function untilWords(command: Command): string {
  const expires = Date.parse(command.expiresAt)
  return command.ttlMs < 120_000 ? formatClock(expires) : formatClockShort(expires)
}

function dueWords(command: Command, nowMs: number): string {
  if (command.replyDueAt === null) return 'waits for its reply'
  return `gives up in ${formatDuration(Date.parse(command.replyDueAt) - nowMs)}`
}

function progressWords({ progress }: Command): string {
  if (progress === null || progress === undefined) return ''
  if (typeof progress === 'number') return `${progress} %`
  return typeof progress === 'string' ? progress : JSON.stringify(progress)
}
