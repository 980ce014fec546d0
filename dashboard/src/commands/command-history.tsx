import { useInfiniteQuery } from '@tanstack/react-query'
import type { Command } from '@telltale/api/contract'
import { useState } from 'react'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import type { NewCommandRequest } from './command-form.tsx'
import { CommandItem } from './command-item.tsx'
import { readCommands, useCommands } from './commands.ts'
import { type Commands, commandOf } from './draft.ts'
import { isOfKind, type Kind, kinds } from './kinds.ts'
import { mergeCommands } from './track.ts'

/** Fewer are seen at a glance. */
const filterFrom = 4

type CommandHistoryProps = {
  deviceId: string
  /** What its type calls them. */
  commands: Commands
  offline: boolean
  onSendAgain: (request: NewCommandRequest) => void
}

export function CommandHistory({ deviceId, commands: known, offline, onSendAgain }: CommandHistoryProps) {
  const { commands, nextCursor, query, remember } = useCommands(deviceId)
  const [kind, setKind] = useState<Kind>('all')
  // From where the first page ended when older ones were asked for: what comes since moves nothing behind it.
  const [behind, setBehind] = useState<string | null>(null)
  const older = useOlder(deviceId, behind)
  const all = mergeCommands(older.commands, commands)
  const shown = all.filter((command) => isOfKind(command, kind))
  const hasMore = behind === null ? nextCursor !== null : older.hasMore
  const more = () => (behind === null ? setBehind(nextCursor) : older.more())
  return (
    <div className="cmds">
      {query.isPending && <SkeletonLines lines={2} />}
      {query.isError && all.length === 0 && (
        <Failure
          what="Could not load the commands"
          error={query.error}
          onRetry={() => void query.refetch()}
        />
      )}
      {query.isSuccess && all.length === 0 && (
        <Quietbox title="No commands yet">
          <span>What is sent to this device is listed here, with every step.</span>
        </Quietbox>
      )}
      {all.length >= filterFrom && <Filter kind={kind} onKind={setKind} />}
      {all.length > 0 && shown.length === 0 && (
        <Quietbox title="None of them">
          <span>
            {hasMore ? 'There are older ones that are not shown yet.' : 'Choose “All” to see the rest.'}
          </span>
        </Quietbox>
      )}
      {shown.map((command) => (
        <CommandItem
          key={command.id}
          command={command}
          label={commandOf(command.name, known)?.label}
          offline={offline}
          onSendAgain={() =>
            onSendAgain({ name: command.name, params: command.params, ttlMs: command.ttlMs })
          }
          onChanged={remember}
        />
      ))}
      {hasMore && (
        <div className="cmds__more">
          <button type="button" className="btn btn--sm" disabled={older.isLoading} onClick={more}>
            Show older
          </button>
        </div>
      )}
    </div>
  )
}

function useOlder(deviceId: string, behind: string | null) {
  const list = useInfiniteQuery({
    queryKey: ['commands', deviceId, 'older', behind],
    queryFn: ({ pageParam, signal }) => readCommands(deviceId, { cursor: pageParam, signal }),
    initialPageParam: behind ?? '',
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    enabled: behind !== null,
    // They are over, nearly all of them.
    staleTime: 60_000,
  })
  const commands: Command[] = list.data?.pages.flatMap(({ items }) => items) ?? []
  return {
    commands,
    hasMore: list.hasNextPage || list.isError,
    isLoading: list.isFetching,
    more: () => void (list.isError ? list.refetch() : list.fetchNextPage()),
  }
}

function Filter({ kind, onKind }: { kind: Kind; onKind: (kind: Kind) => void }) {
  return (
    <fieldset className="cmds__filter">
      <legend className="vh">Commands shown</legend>
      <div className="seg seg--sm">
        {kinds.map((one) => (
          <button
            key={one.kind}
            type="button"
            className={one.kind === kind ? 'is-active' : ''}
            aria-pressed={one.kind === kind}
            onClick={() => onKind(one.kind)}
          >
            {one.words}
          </button>
        ))}
      </div>
    </fieldset>
  )
}
