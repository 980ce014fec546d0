import './bulk.css'
import { useQueryClient } from '@tanstack/react-query'
import type { Device } from '@telltale/api/contract'
import { Ban, CircleCheck, Lock, Send, Tag, X } from 'lucide-react'
import { useState } from 'react'
import { LazySendForm } from '../batches/lazy-send-form.tsx'
import { knownDevices } from '../devices/devices.ts'
import { useMay } from '../session/session.ts'
import { formatCount } from '../ui/format.ts'
import { LateDialog } from '../ui/late-dialog.tsx'
import { SkeletonLines } from '../ui/states.tsx'
import { useLate } from '../ui/use-late.ts'
import type { FleetSearch } from './search.ts'
import { isSelected } from './selection.ts'
import type { Selecting } from './use-selection.ts'

/** A command names so many devices at most; a filter reaches all that match. */
const commandIdsMax = 1_000

export type Target = { ids: string[] } | ({ all?: true } & FleetSearch)
export type Doing = 'send' | 'tag' | 'disable' | 'enable'

const loadWork = () => import('./bulk-work.tsx').then(({ BulkWork }) => BulkWork)

const titles: Record<Doing, string> = {
  send: 'Send a command to many',
  tag: 'Tag devices',
  disable: 'Disable devices',
  enable: 'Enable devices',
}

type BulkBarProps = { selecting: Selecting; filter: FleetSearch }

/** What can be done with all that are selected; gone while nothing is. */
export function BulkBar({ selecting, filter }: BulkBarProps) {
  const { count, matching, selection } = selecting
  const may = useMay('operator')
  const [doing, setDoing] = useState<Doing | null>(null)
  const words = count === 0 ? '' : `${formatCount(count)} selected`
  const tooManyToName = selection.kind === 'some' && count > commandIdsMax
  return (
    <>
      <span className="vh" role="status">
        {words}
      </span>
      {count > 0 && (
        <div className="bulk not-phone" role="toolbar" aria-label="Selected devices">
          <span className="bulk__n" aria-hidden="true">
            {words}
          </span>
          {count < matching && (
            <button type="button" className="bulk__all" onClick={selecting.all}>
              Select all {formatCount(matching)}
            </button>
          )}
          <span className="bulk__sep" />
          <button
            type="button"
            className="btn"
            disabled={!may || tooManyToName}
            title={
              tooManyToName ? `A command names ${formatCount(commandIdsMax)} devices at most` : undefined
            }
            onClick={() => setDoing('send')}
          >
            <Send className="i" aria-hidden="true" />
            Send command
          </button>
          <Action label="Tag" icon={<Tag className="i" />} may={may} onPress={() => setDoing('tag')} />
          <Action
            label="Disable"
            icon={<Ban className="i" />}
            may={may}
            onPress={() => setDoing('disable')}
          />
          <Action
            label="Enable"
            icon={<CircleCheck className="i" />}
            may={may}
            onPress={() => setDoing('enable')}
          />
          {!may && (
            <span className="bulk__role">
              <Lock className="i i--sm" aria-hidden="true" />
              needs the operator role
            </span>
          )}
          <span className="bulk__sep" />
          <button
            type="button"
            className="btn btn--icon"
            aria-label="Clear selection"
            onClick={selecting.clear}
          >
            <X className="i" aria-hidden="true" />
          </button>
        </div>
      )}
      <LateDialog
        opened={doing !== null}
        onClose={() => setDoing(null)}
        title={doing === null ? '' : titles[doing]}
      >
        {doing !== null && (
          <Work doing={doing} selecting={selecting} filter={filter} onDone={() => setDoing(null)} />
        )}
      </LateDialog>
    </>
  )
}

type ActionProps = { label: string; icon: React.ReactNode; may: boolean; onPress: () => void }

function Action({ label, icon, may, onPress }: ActionProps) {
  return (
    <button type="button" className="btn" disabled={!may} onClick={onPress}>
      {icon}
      {label}
    </button>
  )
}

type WorkProps = { doing: Doing; selecting: Selecting; filter: FleetSearch; onDone: () => void }

function Work({ doing, selecting, filter, onDone }: WorkProps) {
  const queryClient = useQueryClient()
  // What was selected when it was pressed: the selection behind the dialog does not change, the fleet may.
  const [target] = useState(() => targetOf(selecting, filter))
  const [BulkWork] = useLate(loadWork, doing !== 'send', onDone)
  if (doing === 'send') {
    const known = knownDevices(queryClient).filter(({ id }) => isSelected(selecting.selection, id))
    return <LazySendForm filter={target} suspect={sharedType(known)} />
  }
  if (BulkWork === null) return <SkeletonLines lines={3} />
  return <BulkWork doing={doing} target={target} count={selecting.count} onDone={onDone} />
}

function sharedType(devices: readonly Device[]): string {
  const first = devices[0]?.type ?? ''
  return devices.every(({ type }) => type === first) ? first : ''
}

function targetOf({ selection }: Selecting, filter: FleetSearch): Target {
  if (selection.kind === 'some') return { ids: [...selection.ids] }
  return Object.keys(filter).length === 0 ? { all: true } : filter
}
