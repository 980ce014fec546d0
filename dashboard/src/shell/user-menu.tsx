import { Menu } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { Link, useRouter } from '@tanstack/react-router'
import { LogOut, Menu as MenuIcon, Monitor, Moon, Plug, Shapes, Sun } from 'lucide-react'
import { signOut, useSession } from '../session/session.ts'
import { themeStore } from '../ui/theme.ts'
import { useLive } from '../use-live.ts'

export function UserMenu({ variant }: { variant: 'side' | 'phone' }) {
  const { user } = useSession()
  const leave = useSignOut()
  return (
    <Menu position="top-start" width={208}>
      <Menu.Target>
        {variant === 'side' ? (
          <button type="button" className="usermenu">
            <span className="avatar" aria-hidden="true">
              {user.username.charAt(0).toUpperCase()}
            </span>
            <span className="vh">Account of </span>
            <span className="usermenu__name cut strong">{user.username}</span>
          </button>
        ) : (
          <button type="button">
            <MenuIcon className="i" aria-hidden="true" />
            More
          </button>
        )}
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {user.username}, {user.role}
        </Menu.Label>
        {variant === 'phone' && (
          <>
            <Menu.Item component={Link} to="/types" leftSection={<Shapes className="i" aria-hidden="true" />}>
              Device types
            </Menu.Item>
            <Menu.Item
              component={Link}
              to="/integrations"
              leftSection={<Plug className="i" aria-hidden="true" />}
            >
              Integrations
            </Menu.Item>
            <ThemeItems />
          </>
        )}
        <Menu.Item leftSection={<LogOut className="i" aria-hidden="true" />} onClick={() => void leave()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

function ThemeItems() {
  return (
    <>
      <Menu.Item
        leftSection={<Sun className="i" aria-hidden="true" />}
        onClick={() => themeStore.choose('light')}
      >
        Light
      </Menu.Item>
      <Menu.Item
        leftSection={<Moon className="i" aria-hidden="true" />}
        onClick={() => themeStore.choose('dark')}
      >
        Dark
      </Menu.Item>
      <Menu.Item
        leftSection={<Monitor className="i" aria-hidden="true" />}
        onClick={() => themeStore.choose('system')}
      >
        As the system
      </Menu.Item>
    </>
  )
}

/** Even when the server cannot be told, nothing of the session stays on the screen. */
function useSignOut() {
  const live = useLive()
  const router = useRouter()
  const queryClient = useQueryClient()
  return async () => {
    live.stop()
    await signOut().catch(() => undefined)
    await router.navigate({ to: '/sign-in', search: {} })
    queryClient.clear()
  }
}
