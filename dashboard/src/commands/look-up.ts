import type { Command } from '@telltale/api/contract'

/** What the server says of an id. `unreachable`: it said nothing. */
export type Found = { kind: 'command'; command: Command } | { kind: 'none' } | { kind: 'unreachable' }

export type LookUpOptions = {
  find: (id: string) => Promise<Found>
  /** Resolves when there is a line again. */
  whenOpen: () => Promise<void>
  pause: (ms: number) => Promise<void>
  isOver: () => boolean
}

/** What was on its way when the line broke is stored by then, if it got there. */
const settleMs = 1_500
const askAgainMs = 3_000

/**
 * What became of a command whose answer was lost: asked for by its id when there is a line again, never sent again.
 * Null: the server has answered twice that it has no such command.
 */
export async function lookUp(id: string, options: LookUpOptions): Promise<Command | null> {
  const { find, whenOpen, pause, isOver } = options
  let absences = 0
  while (!isOver()) {
    await whenOpen()
    const found = await find(id)
    if (found.kind === 'command') return found.command
    absences = found.kind === 'none' ? absences + 1 : 0
    if (absences === 2) return null
    await pause(found.kind === 'none' ? settleMs : askAgainMs)
  }
  return null
}
