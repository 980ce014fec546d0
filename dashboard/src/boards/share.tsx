import { Popover, Switch } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Board } from '@telltale/api/contract'
import { Link2 } from 'lucide-react'
import { useState } from 'react'
import { CopyButton } from '../ui/copy.tsx'
import { Failure } from '../ui/states.tsx'
import { boardKeys, contentOf, oneBoard, saveBoard } from './boards.ts'

/** Sharing is looking: whoever has the link sees the board, and only its owner and admins change it. */
export function ShareBoard({ board, mayChange }: { board: Board; mayChange: boolean }) {
  const [open, setOpen] = useState(false)
  const queryClient = useQueryClient()
  const share = useMutation({
    mutationFn: (shared: boolean) =>
      saveBoard(board.id, { ...contentOf(board), shared, version: board.version }),
    onSuccess: async (saved) => {
      queryClient.setQueryData(oneBoard(board.id).queryKey, saved)
      await queryClient.invalidateQueries({ queryKey: boardKeys.lists })
    },
    onError: () => queryClient.invalidateQueries({ queryKey: oneBoard(board.id).queryKey }),
  })
  const url = `${window.location.origin}/boards/${board.id}`
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-end" withinPortal trapFocus returnFocus>
      <Popover.Target>
        <button type="button" className="btn btn--quiet" onClick={() => setOpen(!open)}>
          <Link2 className="i" aria-hidden="true" />
          <span className="only-desktop">Share</span>
          <span className="vh only-phone">Share</span>
        </button>
      </Popover.Target>
      <Popover.Dropdown className="share" aria-label="Share the board">
        <Switch
          label="Anyone who is signed in may look"
          description={mayChange ? whoChanges : `Only ${board.owner} and admins change this.`}
          checked={share.isPending ? share.variables : board.shared}
          disabled={!mayChange || share.isPending}
          onChange={(event) => share.mutate(event.currentTarget.checked)}
        />
        <div className="copyline">
          <code className="cut">{url}</code>
          <CopyButton text={url} label="Copy the link" />
        </div>
        {!board.shared && <p className="ink-3">While it is private, the link works for you only.</p>}
        {share.isError && <Failure what="Not changed" error={share.error} />}
      </Popover.Dropdown>
    </Popover>
  )
}

const whoChanges = 'Only you and admins change it.'
