import { Modal, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type SyntheticEvent, useState } from 'react'
import { Failure } from '../ui/states.tsx'
import { boardKeys, createBoard, oneBoard } from './boards.ts'

export function NewBoardDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Modal
      opened={open}
      onClose={onClose}
      title="New board"
      centered
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <NameForm />
    </Modal>
  )
}

/** Only the name; the panels come next, on the board itself. */
function NameForm() {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const [name, setName] = useState('')
  const create = useMutation({
    mutationFn: () => createBoard({ name: name.trim() }),
    onSuccess: async (board) => {
      queryClient.setQueryData(oneBoard(board.id).queryKey, board)
      void queryClient.invalidateQueries({ queryKey: boardKeys.lists })
      await navigate({ to: '/boards/$boardId', params: { boardId: board.id }, search: { edit: 1 } })
    },
  })
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    if (name.trim() !== '' && !create.isPending) create.mutate()
  }
  return (
    <form className="boardform" onSubmit={submit}>
      <TextInput
        label="Name"
        placeholder="Cold rooms"
        description="It is yours alone until you share it."
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        data-autofocus
        maxLength={200}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      {create.isError && <Failure what="Not made" error={create.error} />}
      <div>
        <button type="submit" className="btn btn--primary" disabled={name.trim() === '' || create.isPending}>
          Create the board
        </button>
      </div>
    </form>
  )
}
