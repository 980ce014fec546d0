import { Menu, type MenuProps, Popover, type PopoverProps } from '@mantine/core'
import { type ReactNode, type RefCallback, useLayoutEffect } from 'react'
import type { AtButtonProps } from './late-menu.tsx'

type Place = { position: NonNullable<PopoverProps['position']>; width: number; children: ReactNode }

/** The items of a menu at a button that stands elsewhere. */
export function MenuAt({ button, onClose, children, ...place }: AtButtonProps & Place) {
  const close = () => leave(button, onClose)
  const props: MenuProps = { ...place, opened: true, onClose: close, returnFocus: false }
  return (
    <Menu {...props}>
      <Menu.Target>
        <Standing button={button} />
      </Menu.Target>
      <Menu.Dropdown>{children}</Menu.Dropdown>
    </Menu>
  )
}

type PopoverAtProps = AtButtonProps & Place & { label: string; className: string }

/** As a menu, with fields and buttons inside. */
export function PopoverAt({ button, onClose, children, label, className, ...place }: PopoverAtProps) {
  const close = () => leave(button, onClose)
  return (
    <Popover {...place} opened onChange={(isOpen) => !isOpen && close()} shadow="md" trapFocus>
      <Popover.Target>
        <Standing button={button} />
      </Popover.Target>
      <Popover.Dropdown aria-label={label} className={className}>
        {children}
      </Popover.Dropdown>
    </Popover>
  )
}

function leave(button: HTMLElement, onClose: () => void): void {
  onClose()
  button.focus({ preventScroll: true })
}

type StandingProps = { button: HTMLElement; ref?: RefCallback<HTMLElement>; id?: string }

/** In the place of a button: gives the real one to those who measure, and the name they look for to it. */
function Standing({ button, ref, id, ...others }: StandingProps & { 'aria-controls'?: string }) {
  const controls = others['aria-controls']
  useLayoutEffect(() => {
    ref?.(button)
    return () => void ref?.(null)
  }, [button, ref])
  useLayoutEffect(() => {
    if (id !== undefined) button.id = id
    if (controls !== undefined) button.setAttribute('aria-controls', controls)
    return () => button.removeAttribute('aria-controls')
  }, [button, id, controls])
  return null
}
