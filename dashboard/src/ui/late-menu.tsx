import { type ComponentProps, useRef, useState } from 'react'
import { type Load, useLate } from './use-late.ts'

/** What opens at a button gets it, to stand beside it and to give the focus back to it. */
export type AtButtonProps = { button: HTMLElement; onClose: () => void }

type LateMenuProps<P extends object> = Omit<ComponentProps<'button'>, 'ref' | 'type' | 'onClick'> & {
  load: Load<P & AtButtonProps>
  /** For what opens. */
  give: P
  popup?: 'menu' | 'dialog'
}

/** A button that is there at once; what it opens is loaded when the pointer or the focus comes near. */
export function LateMenu<P extends object>({ load, give, popup = 'menu', ...props }: LateMenuProps<P>) {
  const button = useRef<HTMLButtonElement>(null)
  const [isOpen, setOpen] = useState(false)
  const close = () => setOpen(false)
  const [Part, want] = useLate(load, isOpen, close)
  return (
    <>
      <button
        {...props}
        ref={button}
        type="button"
        aria-haspopup={popup}
        aria-expanded={isOpen}
        onPointerEnter={want}
        onFocus={want}
        onClick={() => setOpen(!isOpen)}
      />
      {isOpen && Part !== null && button.current !== null && (
        <Part {...give} button={button.current} onClose={close} />
      )}
    </>
  )
}
