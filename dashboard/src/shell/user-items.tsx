import { Menu } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { CircleUserRound, Keyboard, LogOut } from 'lucide-react'
import { useSession } from '../session/session.ts'
import type { AtButtonProps } from '../ui/late-menu.tsx'
import { MenuAt } from '../ui/menu-at.tsx'
import { overlay } from './overlay.ts'
import { useSignOut } from './use-sign-out.ts'

export function UserItems(at: AtButtonProps) {
  const { user } = useSession()
  const leave = useSignOut()
  return (
    <MenuAt {...at} position="top-start" width={208}>
      <Menu.Label>
        {user.username}, {user.role}
      </Menu.Label>
      <Menu.Item
        component={Link}
        to="/account"
        leftSection={<CircleUserRound className="i" aria-hidden="true" />}
      >
        Your account
      </Menu.Item>
      <Menu.Item
        leftSection={<Keyboard className="i" aria-hidden="true" />}
        onClick={() => overlay.show('keys')}
      >
        Keyboard shortcuts
      </Menu.Item>
      <Menu.Item leftSection={<LogOut className="i" aria-hidden="true" />} onClick={() => void leave()}>
        Sign out
      </Menu.Item>
    </MenuAt>
  )
}
