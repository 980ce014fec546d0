import './over.css'
import { type ReactNode, useLayoutEffect, useRef } from 'react'

type OverProps = {
  label: string
  look: 'palette' | 'sheet' | 'keys'
  onClose: () => void
  children: ReactNode
}

/** Over the page: the browser's own dialog keeps the focus inside, closes on Escape and gives the focus back. */
export function Over({ label, look, onClose, children }: OverProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => {
    const element = dialog.current
    element?.showModal()
    // Read from its heading, where there is no field to type into.
    element?.querySelector<HTMLElement>('h2[tabindex]')?.focus()
    return () => element?.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      className={`over over--${look}`}
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onPointerDown={(event) => {
        if (event.target === event.currentTarget) onClose()
      }}
    >
      <div className="over__box">{children}</div>
    </dialog>
  )
}
