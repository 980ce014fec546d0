import { useSession } from '../session/session.ts'
import { LateMenu } from '../ui/late-menu.tsx'

const load = () => import('./user-items.tsx').then(({ UserItems }) => UserItems)

export function UserMenu() {
  const { user } = useSession()
  return (
    <LateMenu load={load} give={{}} className="usermenu" data-tip={user.username}>
      <span className="avatar" aria-hidden="true">
        {user.username.charAt(0).toUpperCase()}
      </span>
      <span className="vh">Account of </span>
      <span className="usermenu__name cut strong">{user.username}</span>
    </LateMenu>
  )
}
