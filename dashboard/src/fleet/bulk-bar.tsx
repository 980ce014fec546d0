import './bulk.css'
import { Modal } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { Ban, CircleCheck, Lock, Send, Tag, X } from 'lucide-react'
import { useState } from 'react'
import { LazySendForm } from '../batches/lazy-send-form.tsx'
import { knownDevices } from '../devices/devices.ts'
import { useMay } from '../session/session.ts'
import { formatCount } from '../ui/format.ts'
import { BulkEnable } from './bulk-enable.tsx'
import { BulkTags } from './bulk-tags.tsx'
import type { FleetSearch } from './search.ts'
import { isSelected } from './selection.ts'
import type { Selecting } from './use-selection.ts'

/** A command names so many devices at most; a filter reaches all that match. */
const commandIdsMax = 1_000

export type Target = { ids: string[] } | ({ all?: true } & FleetSearch)
type Doing = 'send' | 'tag' | 'disable' | 'enable'

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
      <Modal
        opened={doing !== null}
        onClose={() => setDoing(null)}
        title={doing === null ? '' : titles[doing]}
        size={560}
        closeOnClickOutside={false}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {doing !== null && (
          <Work doing={doing} selecting={selecting} filter={filter} onDone={() => setDoing(null)} />
        )}
      </Modal>
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
  const { count } = selecting
  switch (doing) {
    case 'send': {
      const known = knownDevices(queryClient).filter(({ id }) => isSelected(selecting.selection, id))
      return <LazySendForm filter={target} devices={known} />
    }
    case 'tag':
      return <BulkTags target={target} count={count} onDone={onDone} />
    case 'disable':
    case 'enable':
      return <BulkEnable target={target} isDisabling={doing === 'disable'} onDone={onDone} />
  }
}

function targetOf({ selection }: Selecting, filter: FleetSearch): Target {
  if (selection.kind === 'some') return { ids: [...selection.ids] }
  return Object.keys(filter).length === 0 ? { all: true } : filter
}
