import type { Command, PresenceHistory } from '@telltale/api/contract'
import { isFinished, newerOf, verdict } from '../commands/track.ts'
import { reasonWords } from '../presence/words.ts'
import type { LampShape, LampTone } from '../ui/lamp.tsx'

/** Something that happened to a device at one moment. */
export type EventMark = {
  key: string
  t: number
  deviceId: string
  tab: 'commands' | 'presence'
  shape: LampShape
  tone: LampTone
  words: string
}

/** Marks too close to be told apart, oldest first. */
export type MarkGroup = { t: number; marks: EventMark[] }

type Session = PresenceHistory['sessions'][number]

/** A command stands where it was sent from here, with what has become of it. */
export function commandMarks(commands: readonly Command[], now: number): EventMark[] {
  return commands.map((command) => {
    const { shape, tone, words } = verdict(command, now, false)
    return {
      key: command.id,
      t: Date.parse(command.createdAt),
      deviceId: command.deviceId,
      tab: 'commands',
      shape,
      tone,
      // How long a running one has run would be old at once.
      words: `command ${command.name}, ${isFinished(command) ? words : command.status}`,
    }
  })
}

/** Each connection begins with a mark and ends with one; a device that another connection took over was never away. */
export function presenceMarks(deviceId: string, sessions: readonly Session[]): EventMark[] {
  return sessions.flatMap(({ connectedAt, disconnectedAt, reason }) => {
    const base = { deviceId, tab: 'presence' } as const
    const began: EventMark = {
      ...base,
      key: `${deviceId} online ${connectedAt}`,
      t: Date.parse(connectedAt),
      shape: 'online',
      tone: 'ok',
      words: 'online',
    }
    if (disconnectedAt === null || reason === 'taken_over') return [began]
    const ended: EventMark = {
      ...base,
      key: `${deviceId} offline ${disconnectedAt}`,
      t: Date.parse(disconnectedAt),
      shape: 'offline',
      tone: 'bad',
      words: reason === null ? 'offline' : `offline, ${reasonWords(reason)}`,
    }
    return [began, ended]
  })
}

/** What was heard since the list was read: steps only move forward, whichever came first. */
export function withHeard(listed: readonly Command[], heard: ReadonlyMap<string, Command>): Command[] {
  const byId = new Map(listed.map((command) => [command.id, command]))
  for (const [id, command] of heard) byId.set(id, newerOf(byId.get(id), command))
  return [...byId.values()]
}

/**
 * From the oldest on, each group takes what lies within `roomMs` of its first mark. The window plays no part in it, so
 * groups stay the same while time slides by.
 */
export function groupMarks(marks: readonly EventMark[], roomMs: number): MarkGroup[] {
  const groups: MarkGroup[] = []
  for (const mark of marks.toSorted((a, b) => a.t - b.t || a.key.localeCompare(b.key))) {
    const last = groups.at(-1)
    if (last !== undefined && mark.t - last.t < roomMs) last.marks.push(mark)
    else groups.push({ t: mark.t, marks: [mark] })
  }
  return groups
}

const gravity: Record<LampTone, number> = { bad: 4, warn: 3, on: 2, ok: 1, off: 0 }

/** Of a group the gravest one lends its lamp, the newest of several. */
export function gravest({ marks }: MarkGroup): EventMark | undefined {
  return marks.reduce<EventMark | undefined>(
    (found, mark) => (found === undefined || gravity[mark.tone] >= gravity[found.tone] ? mark : found),
    undefined,
  )
}
