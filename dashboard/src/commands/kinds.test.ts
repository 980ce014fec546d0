import type { CommandStatus } from '@telltale/api/contract'
import { expect, it } from 'vitest'
import { isOfKind, kinds } from './kinds.ts'

const statuses: readonly CommandStatus[] = [
  ...(['queued', 'sent', 'delivered', 'accepted', 'succeeded'] as const),
  ...(['failed', 'rejected', 'expired', 'timed_out', 'cancelled'] as const),
]

it('C-CONSOLE-1: every command is in “All” and in exactly one of the others', () => {
  const others = kinds.map(({ kind }) => kind).filter((kind) => kind !== 'all')
  const kindsOf = (status: CommandStatus) =>
    others.filter((kind) => isOfKind({ status } as Parameters<typeof isOfKind>[0], kind))
  for (const status of statuses) expect(kindsOf(status), status).toHaveLength(1)
})
