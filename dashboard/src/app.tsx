import { MantineProvider } from '@mantine/core'
import { notificationsStore } from '@mantine/notifications'
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createRouter, RouterProvider } from '@tanstack/react-router'
import { type ComponentType, useEffect, useState } from 'react'
import { isUnauthorized } from './api.ts'
import { CommandSocketContext } from './commands/socket-context.ts'
import { LiveClient } from './live/client.ts'
import { keepAsking, queryDefaults } from './live/refresh.ts'
import { browserServer } from './live/server.ts'
import { browserSurroundings } from './live/surroundings.ts'
import { routes } from './routes.tsx'
import { currentSession } from './session/session.ts'
import { PageFailure } from './shell/page-failure.tsx'
import { keepScrollPlaces } from './shell/scroll-places.ts'
import { mantineTheme, mantineVariables, useResolvedTheme } from './ui/theme.ts'
import { LiveContext } from './use-live.ts'

/** Nothing here runs at import: one call builds the parts and ties them together. */
function createParts() {
  const leaveIfSignedOut = (error: unknown) => {
    if (isUnauthorized(error)) toSignIn()
  }
  const queryClient = new QueryClient({
    queryCache: new QueryCache({ onError: leaveIfSignedOut }),
    mutationCache: new MutationCache({ onError: leaveIfSignedOut }),
    defaultOptions: { queries: queryDefaults },
  })
  const router = createRouter({
    routeTree: routes,
    context: { queryClient },
    defaultPreload: 'intent',
    defaultErrorComponent: PageFailure,
  })
  const live = new LiveClient({
    server: browserServer(),
    surroundings: browserSurroundings(),
    // EventSource hides the status, so the session itself is asked whether it still exists.
    onDoubt: () => void queryClient.fetchQuery({ ...currentSession, staleTime: 0 }).catch(() => undefined),
  })
  keepAsking(live, queryClient)
  keepScrollPlaces(router)

  function toSignIn() {
    live.stop()
    queryClient.removeQueries({ queryKey: currentSession.queryKey })
    const { pathname, href } = router.state.location
    if (pathname === '/sign-in') return
    void router.navigate({ to: '/sign-in', search: href === '/' ? {} : { next: href } })
  }
  return { queryClient, router, live, commands: {} }
}

export function App() {
  const [{ queryClient, router, live, commands }] = useState(createParts)
  const theme = useResolvedTheme()
  return (
    <QueryClientProvider client={queryClient}>
      <MantineProvider theme={mantineTheme} cssVariablesResolver={mantineVariables} forceColorScheme={theme}>
        <LiveContext value={live}>
          <CommandSocketContext value={commands}>
            <RouterProvider router={router} />
          </CommandSocketContext>
        </LiveContext>
        <LateToasts />
      </MantineProvider>
    </QueryClientProvider>
  )
}

/** When the first is said; until they are there what was said waits in its store. */
function LateToasts() {
  const [Toasts, setToasts] = useState<ComponentType | null>(null)
  useEffect(() => {
    const load = () => import('./ui/toasts.tsx').then(({ Toasts }) => setToasts(() => Toasts))
    // Without a network the words above the page are enough.
    return notificationsStore.subscribe(() => void load().catch(() => undefined))
  }, [])
  return Toasts === null ? null : <Toasts />
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createParts>['router']
  }
}
