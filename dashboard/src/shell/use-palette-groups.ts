import { useLocation, useNavigate } from '@tanstack/react-router'
import type { Device } from '@telltale/api/contract'
import { Clock, Keyboard, LayoutDashboard, LogOut, Moon, RotateCw, Send, Sun, Tag } from 'lucide-react'
import { useEffect } from 'react'
import { ApiError } from '../api.ts'
import { useMay, useSession } from '../session/session.ts'
import { themeStore, useResolvedTheme } from '../ui/theme.ts'
import { useMediaQuery } from '../ui/use-media-query.ts'
import { useZone, zoneStore } from '../ui/zone.ts'
import { overlay } from './overlay.ts'
import { matches, type PaletteGroup, type PaletteItem, tagsFor } from './palette-items.ts'
import { useBoardNames, useFoundDevices } from './palette-search.ts'
import type { Place } from './places.ts'
import { forgetRecent, readRecent } from './recent.ts'
import { useDevices, useFaces } from './use-faces.ts'
import { useSignOut } from './use-sign-out.ts'

const boardsShown = 5

type Palette = { groups: PaletteGroup[]; isPending: boolean; nothing: string | null }

export function usePaletteGroups(typed: string, places: readonly Place[]): Palette {
  const go = useNavigate()
  const found = useFoundDevices(typed)
  const recent = useRecentDevices()
  const devices = useDeviceItems(typed === '' ? recent : found.devices)
  const boards = useBoardNames()
    .map((board): PaletteItem => {
      const run = () => void go({ to: `/boards/${board.id}` })
      return { id: `board-${board.id}`, label: board.name, mark: { Icon: LayoutDashboard }, run }
    })
    .filter((item) => typed !== '' && matches(item, typed))
  const isAdmin = useMay('admin')
  const pages = places.map(({ to, label, Icon, needs }): PaletteItem => {
    const isLocked = needs !== undefined && !isAdmin
    const end = isLocked ? `needs the ${needs} role` : ''
    const run = () => void go({ to })
    return { id: `page-${to}`, label, words: 'go to page', mark: { Icon }, isLocked, end, run }
  })
  const acts = [...useDeviceActs(typed === '' ? [] : found.devices, typed), ...useActs()]
  const failure = useFailure(found.error, found.retry)
  const groups = [
    { heading: typed === '' ? 'Recent' : 'Devices', items: [...failure, ...devices] },
    { heading: 'Boards', items: boards.slice(0, boardsShown) },
    { heading: 'Go to', items: pages.filter((item) => matches(item, typed)) },
    { heading: 'Do', items: acts.filter((item) => item.id.startsWith('of-') || matches(item, typed)) },
  ].filter(({ items }) => items.length > 0)
  const isEmpty = groups.length === 0 && !found.isPending
  return { groups, isPending: found.isPending, nothing: isEmpty ? `Nothing is called “${typed}”.` : null }
}

function useRecentDevices(): Device[] {
  const { username } = useSession().user
  const here = useLocation({ select: ({ pathname }) => pathname })
  const ids = readRecent(username).filter((id) => here !== `/devices/${id}`)
  const { devices, gone } = useDevices(ids)
  const deleted = gone.join()
  useEffect(() => {
    if (deleted !== '') forgetRecent(username, deleted.split(','))
  }, [deleted, username])
  return devices
}

function useDeviceItems(devices: readonly Device[]): PaletteItem[] {
  const go = useNavigate()
  return useFaces(devices).map(({ device, face }) => ({
    id: `device-${device.id}`,
    label: device.name,
    note: device.id,
    mark: { lamp: face.shape, state: face.state },
    end: face.end,
    run: () => void go({ to: '/devices/$deviceId', params: { deviceId: device.id } }),
  }))
}

/** What can be done with what was found. */
function useDeviceActs([first, ...others]: readonly Device[], typed: string): PaletteItem[] {
  const go = useNavigate()
  const mayCommand = useMay('operator')
  const tags = tagsFor(typed, first === undefined ? [] : [first, ...others]).map((tag): PaletteItem => {
    return {
      id: `of-tag-${tag}`,
      label: `Show tag:${tag}`,
      mark: { Icon: Tag },
      run: () => void go({ to: '/', search: { tag } }),
    }
  })
  if (first === undefined) return tags
  const { id, name } = first
  const command: PaletteItem = {
    id: 'of-command',
    label: `Send a command to ${name}`,
    mark: { Icon: Send },
    isLocked: !mayCommand,
    ...(!mayCommand && { end: 'needs the operator role' }),
    run: () => void go({ to: '/devices/$deviceId', params: { deviceId: id }, search: { tab: 'commands' } }),
  }
  return [...tags, command]
}

function useActs(): PaletteItem[] {
  const theme = useResolvedTheme()
  const zone = useZone()
  const leave = useSignOut()
  const other = theme === 'dark' ? 'light' : 'dark'
  const isPhone = useMediaQuery('(max-width: 767px)')
  const acts: PaletteItem[] = [
    {
      id: 'theme',
      label: `Use the ${other} theme`,
      words: 'switch theme appearance colours',
      mark: { Icon: other === 'dark' ? Moon : Sun },
      run: () => themeStore.choose(other),
    },
    {
      id: 'zone',
      label: zone === 'utc' ? 'Use local time' : 'Use UTC',
      words: 'switch time zone clock',
      mark: { Icon: Clock },
      run: () => zoneStore.choose(zone === 'utc' ? 'local' : 'utc'),
    },
    {
      id: 'keys',
      label: 'Show the keyboard shortcuts',
      words: 'help keys',
      end: '?',
      mark: { Icon: Keyboard },
      run: () => overlay.show('keys'),
    },
    { id: 'leave', label: 'Sign out', words: 'log leave', mark: { Icon: LogOut }, run: () => void leave() },
  ]
  return acts.filter(({ id }) => !isPhone || id !== 'keys')
}

/** The rest of the palette works without the server. */
function useFailure(error: Error | null, retry: () => void): PaletteItem[] {
  if (error === null) return []
  const why = error instanceof ApiError ? error.problem.title : 'something unexpected went wrong'
  const label = `Devices could not be searched: ${why}. Try again`
  return [{ id: 'failure', label, mark: { Icon: RotateCw }, run: retry, staysOpen: true }]
}
