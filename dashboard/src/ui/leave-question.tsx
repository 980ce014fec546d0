import { Modal } from '@mantine/core'
import { useBlocker } from '@tanstack/react-router'

type Place = { pathname: string; search: unknown }
type LeaveQuestionProps = {
  dirty: boolean
  what: 'page' | 'board'
  /** Going there is no leaving. */
  staysAt?: (next: Place) => boolean
}

export function LeaveQuestion({ dirty, what, staysAt }: LeaveQuestionProps) {
  const blocker = useBlocker({
    shouldBlockFn: ({ next }) => dirty && staysAt?.(next) !== true,
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
      <p className="ink-2">What you have changed on this {what} is not saved yet.</p>
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
