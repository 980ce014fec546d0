import { useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { signOut } from '../session/session.ts'
import { useLive } from '../use-live.ts'

/** Even when the server cannot be told, nothing of the session stays on the screen. */
export function useSignOut(): () => Promise<void> {
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
