import { Menu, Modal } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { Board } from '@telltale/api/contract'
import { Copy, Ellipsis, MonitorPlay, Pencil, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Failure } from '../ui/states.tsx'
import { boardKeys, deleteBoard, oneBoard } from './boards.ts'
import { copyName, useKeep } from './keep.ts'

export function BoardMenu({ board, mayChange }: { board: Board; mayChange: boolean }) {
  const [asked, setAsked] = useState(false)
  const keep = useKeep()
  const navigate = useNavigate()
  const to = '/boards/$boardId'
  const params = { boardId: board.id }
  return (
    <>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <button type="button" className="btn btn--quiet btn--icon" aria-label="More about this board">
            <Ellipsis className="i" aria-hidden="true" />
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          {mayChange && (
            <Menu.Item
              className="only-phone"
              leftSection={<Pencil className="i" aria-hidden="true" />}
              onClick={() => void navigate({ to, params, search: { edit: 1 } })}
            >
              Edit
            </Menu.Item>
          )}
          <Menu.Item
            className="only-phone"
            leftSection={<MonitorPlay className="i" aria-hidden="true" />}
            onClick={() => void navigate({ to, params, search: { wall: 1 } })}
          >
            Wall
          </Menu.Item>
          <Menu.Item
            leftSection={<Copy className="i" aria-hidden="true" />}
            onClick={() => keep.mutate({ ...board, name: copyName(board.name), shared: false })}
          >
            {mayChange ? 'Duplicate' : 'Keep as my board'}
          </Menu.Item>
          <Menu.Item
            leftSection={<Trash2 className="i" aria-hidden="true" />}
            disabled={!mayChange}
            onClick={() => setAsked(true)}
          >
            {mayChange ? 'Delete…' : `Delete… (${board.owner} or an admin)`}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal
        opened={asked}
        onClose={() => setAsked(false)}
        title={`Delete ${board.name}?`}
        centered
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <Confirm board={board} onKeep={() => setAsked(false)} />
      </Modal>
    </>
  )
}

/** The safe answer has the keyboard. */
function Confirm({ board, onKeep }: { board: Board; onKeep: () => void }) {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const remove = useMutation({
    mutationFn: () => deleteBoard(board.id),
    onSuccess: async () => {
      await navigate({ to: '/boards' })
      queryClient.removeQueries({ queryKey: oneBoard(board.id).queryKey })
      notifications.show({ message: `${board.name} is deleted.` })
      await queryClient.invalidateQueries({ queryKey: boardKeys.lists })
    },
  })
  return (
    <>
      <p className="ink-2">
        {board.shared
          ? 'It is shared: whoever has the link loses it too. The readings stay.'
          : 'The board is gone for good. The readings stay.'}
      </p>
      <div className="confirm__answers">
        <button type="button" className="btn" data-autofocus onClick={onKeep}>
          Keep it
        </button>
        <button
          type="button"
          className="btn btn--danger"
          disabled={remove.isPending}
          onClick={() => remove.mutate()}
        >
          Delete
        </button>
      </div>
      {remove.isError && <Failure what="Not deleted" error={remove.error} />}
    </>
  )
}
