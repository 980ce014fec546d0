import type { Command } from '@telltale/api/contract'
import { isFinished } from './track.ts'

export const kinds = [
  { kind: 'all', words: 'All' },
  { kind: 'open', words: 'Open' },
  { kind: 'succeeded', words: 'Succeeded' },
  { kind: 'failed', words: 'Failed' },
  { kind: 'unsent', words: 'Not sent' },
] as const
export type Kind = (typeof kinds)[number]['kind']

/** What a person looks for among many: is it done, did it go wrong, did it ever leave. */
export function isOfKind(command: Command, kind: Kind): boolean {
  switch (kind) {
    case 'all':
      return true
    case 'open':
      return !isFinished(command)
    case 'succeeded':
      return command.status === 'succeeded'
    case 'failed':
      return ['failed', 'rejected', 'timed_out'].includes(command.status)
    case 'unsent':
      return ['expired', 'cancelled'].includes(command.status)
  }
}
