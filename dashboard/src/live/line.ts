import type { Numbered } from './server.ts'

/** Why a line ended. */
export type Loss =
  /** It worked before. */
  | { kind: 'broken' }
  /** A stream that never brought anything. The answer of a poll tells why. */
  | { kind: 'mute' }
  /** The stream is fine, but this is not the way to change it: open another. */
  | { kind: 'moved' }
  | { kind: 'unreachable' }
  | { kind: 'signed-out' }
  | { kind: 'too-many'; retryAfterMs: number | null }
  | { kind: 'unknown-device' }

export interface LineListener {
  onEvent: (numbered: Numbered) => void
  /** From now on nothing of these devices is missed. */
  onConfirmed: (devices: readonly string[]) => void
  /** An answer came, with events or without; the server's clock to the second, where it is known. */
  onAnswer: (cursor: string, serverTime: number | null) => void
  /** At most once, and nothing after it. */
  onLost: (loss: Loss) => void
}

/** One way to get events: a stream or polling. Begins after the event `after`; empty: from now on. */
export interface Line {
  open: (devices: readonly string[], after: string) => void
  change: (devices: readonly string[]) => void
  close: () => void
}

export function sameDevices(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index])
}
