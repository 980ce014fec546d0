import { Modal } from '@mantine/core'
import { type ReactNode, useEffect, useState } from 'react'

export type DialogProps = { opened: boolean; title: string; onClose: () => void; children: ReactNode }

/** A press beside it closes nothing: what is typed in it would be lost. */
export function Dialog({ opened, title, onClose, children }: DialogProps) {
  // It notes where the focus was when it opens, not when it is there for the first time.
  const [isThere, setThere] = useState(false)
  useEffect(() => setThere(true), [])
  return (
    <Modal
      opened={opened && isThere}
      onClose={onClose}
      title={title}
      size={560}
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {children}
    </Modal>
  )
}
