import { Modal } from '@mantine/core'
import { useBlocker } from '@tanstack/react-router'

/** Another range of the same board is no leaving. */
export function LeaveQuestion({ dirty, boardId }: { dirty: boolean; boardId: string }) {
  const blocker = useBlocker({
    shouldBlockFn: ({ next }) => dirty && !(next.pathname === `/boards/${boardId}` && isEdit(next.search)),
    enableBeforeUnload: dirty,
    withResolver: true,
  })
  const stay = () => blocker.status === 'blocked' && blocker.reset()
  return (
    <Modal
      opened={blocker.status === 'blocked'}
      onClose={stay}
      title="Leave without saving?"
      centered
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <p className="ink-2">What you have changed on this board is not saved yet.</p>
      <div className="confirm__answers">
        <button type="button" className="btn" data-autofocus onClick={stay}>
          Stay here
        </button>
        <button
          type="button"
          className="btn btn--danger"
          onClick={() => blocker.status === 'blocked' && blocker.proceed()}
        >
          Leave
        </button>
      </div>
    </Modal>
  )
}

function isEdit(search: unknown): boolean {
  return typeof search === 'object' && search !== null && 'edit' in search
}
