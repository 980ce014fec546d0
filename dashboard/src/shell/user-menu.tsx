import { Menu } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { CircleUserRound, Keyboard, LogOut } from 'lucide-react'
import { useSession } from '../session/session.ts'
import { overlay } from './overlay.ts'
import { useSignOut } from './use-sign-out.ts'

export function UserMenu() {
  const { user } = useSession()
  const leave = useSignOut()
  return (
    <Menu position="top-start" width={208}>
      <Menu.Target>
        <button type="button" className="usermenu" data-tip={user.username}>
          <span className="avatar" aria-hidden="true">
            {user.username.charAt(0).toUpperCase()}
          </span>
          <span className="vh">Account of </span>
          <span className="usermenu__name cut strong">{user.username}</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
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
      </Menu.Dropdown>
    </Menu>
  )
}
