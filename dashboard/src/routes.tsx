import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { isUnauthorized } from './api.ts'
import { readAuditSearch } from './audit/search.ts'
import { readBatchSearch } from './batches/search.ts'
import { readBoardSearch } from './boards/search.ts'
import { readRangeSearch } from './charts/time-range.ts'
import { readDeviceSearch } from './devices/search.ts'
import { readFleetSearch } from './fleet/search.ts'
import { ShellFailure } from './offline/unreachable.tsx'
import { currentSession } from './session/session.ts'
import { Shell } from './shell/shell.tsx'
import { Failure } from './ui/states.tsx'

const root = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  component: Outlet,
  errorComponent: ({ error, reset }) => (
    <main className="page">
      <Failure what="This page could not be shown" error={error} onRetry={reset} />
    </main>
  ),
})

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: lazyRouteComponent(() => import('./session/sign-in.tsx'), 'SignIn'),
  validateSearch: (search): { next?: string } => {
    // Only paths of this site: an absolute address here would make the sign-in page a redirector.
    const next = search.next
    return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? { next } : {}
  },
})

const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  component: Shell,
  errorComponent: ShellFailure,
  beforeLoad: async ({ context, location }) => {
    try {
      await context.queryClient.ensureQueryData(currentSession)
    } catch (error) {
      if (!isUnauthorized(error)) throw error
      throw redirect({ to: '/sign-in', search: location.href === '/' ? {} : { next: location.href } })
    }
  },
})

const fleet = createRoute({
  getParentRoute: () => shell,
  path: '/',
  validateSearch: readFleetSearch,
  component: lazyRouteComponent(() => import('./fleet/fleet.tsx'), 'Fleet'),
})

const connect = createRoute({
  getParentRoute: () => shell,
  path: '/connect',
  validateSearch: (search): { device?: string } =>
    typeof search.device === 'string' ? { device: search.device } : {},
  component: lazyRouteComponent(() => import('./connect/connect.tsx'), 'Connect'),
})

const device = createRoute({
  getParentRoute: () => shell,
  path: '/devices/$deviceId',
  validateSearch: readDeviceSearch,
  component: lazyRouteComponent(() => import('./devices/device.tsx'), 'DevicePage'),
})

const system = createRoute({
  getParentRoute: () => shell,
  path: '/system',
  component: lazyRouteComponent(() => import('./system/system.tsx'), 'System'),
})

const integrations = createRoute({
  getParentRoute: () => shell,
  path: '/integrations',
  component: lazyRouteComponent(() => import('./integrations/integrations.tsx'), 'Integrations'),
})

const types = createRoute({
  getParentRoute: () => shell,
  path: '/types',
  component: lazyRouteComponent(() => import('./types/types-page.tsx'), 'Types'),
})

const type = createRoute({
  getParentRoute: () => shell,
  path: '/types/$typeName',
  component: lazyRouteComponent(() => import('./types/type-page.tsx'), 'TypePage'),
})

const batches = createRoute({
  getParentRoute: () => shell,
  path: '/batches',
  component: lazyRouteComponent(() => import('./batches/batch-list.tsx'), 'Batches'),
})

const batch = createRoute({
  getParentRoute: () => shell,
  path: '/batches/$batchId',
  validateSearch: readBatchSearch,
  component: lazyRouteComponent(() => import('./batches/batch-page.tsx'), 'BatchPage'),
})

const boards = createRoute({
  getParentRoute: () => shell,
  path: '/boards',
  component: lazyRouteComponent(() => import('./boards/boards-page.tsx'), 'Boards'),
})

const board = createRoute({
  getParentRoute: () => shell,
  path: '/boards/$boardId',
  validateSearch: readBoardSearch,
  component: lazyRouteComponent(() => import('./boards/board-page.tsx'), 'BoardPage'),
})

const deviceBoard = createRoute({
  getParentRoute: () => shell,
  path: '/boards/device/$deviceId',
  validateSearch: readRangeSearch,
  component: lazyRouteComponent(() => import('./boards/generated-page.tsx'), 'DeviceBoardPage'),
})

const tagBoard = createRoute({
  getParentRoute: () => shell,
  path: '/boards/tag/$tag',
  validateSearch: readRangeSearch,
  component: lazyRouteComponent(() => import('./boards/generated-page.tsx'), 'TagBoardPage'),
})

const users = createRoute({
  getParentRoute: () => shell,
  path: '/users',
  component: lazyRouteComponent(() => import('./users/users-page.tsx'), 'UsersPage'),
})

const tokens = createRoute({
  getParentRoute: () => shell,
  path: '/tokens',
  component: lazyRouteComponent(() => import('./tokens/tokens-page.tsx'), 'TokensPage'),
})

const audit = createRoute({
  getParentRoute: () => shell,
  path: '/audit',
  validateSearch: readAuditSearch,
  component: lazyRouteComponent(() => import('./audit/audit-page.tsx'), 'AuditPage'),
})

const settings = createRoute({
  getParentRoute: () => shell,
  path: '/settings',
  component: lazyRouteComponent(() => import('./settings/settings-page.tsx'), 'SettingsPage'),
})

const account = createRoute({
  getParentRoute: () => shell,
  path: '/account',
  component: lazyRouteComponent(() => import('./account/account-page.tsx'), 'AccountPage'),
})

const nowhere = createRoute({
  getParentRoute: () => shell,
  path: '$',
  component: lazyRouteComponent(() => import('./shell/not-found.tsx'), 'NotFound'),
})

/** People, and what only admins see. */
const people = [users, tokens, audit, settings, account] as const

export const routes = root.addChildren([
  signIn,
  shell.addChildren([
    fleet,
    connect,
    device,
    system,
    integrations,
    types,
    type,
    batches,
    batch,
    boards,
    board,
    deviceBoard,
    tagBoard,
    ...people,
    nowhere,
  ]),
])
