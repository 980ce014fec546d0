import './types.css'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { DeviceType } from '@telltale/api/contract'
import { Plus, Shapes } from 'lucide-react'
import { useState } from 'react'
import { useMay } from '../session/session.ts'
import { TopBar } from '../shell/top-bar.tsx'
import { formatCount } from '../ui/format.ts'
import { NeedsRole } from '../ui/locked.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { When } from '../ui/when.tsx'
import { useNow } from '../use-live.ts'
import { NewTypeDialog } from './new-type.tsx'
import { typeList } from './types.ts'

export function Types() {
  const may = useMay('admin')
  const [open, setOpen] = useState(false)
  return (
    <>
      <title>Device types · Telltale</title>
      <TopBar>
        <h1 className="top__title">Device types</h1>
      </TopBar>
      <div className="page">
        <div className="types__head">
          <p className="ink-2">
            What devices of one kind have in common: names and units of what they measure, from when on a
            value is a worry, and the commands they take. A device names its type in its settings.
          </p>
          <div className="types__new">
            <button type="button" className="btn btn--primary" disabled={!may} onClick={() => setOpen(true)}>
              <Plus className="i" aria-hidden="true" />
              New type
            </button>
            {!may && <NeedsRole needed="admin" />}
          </div>
        </div>
        <List />
      </div>
      {may && <NewTypeDialog open={open} onClose={() => setOpen(false)} />}
    </>
  )
}

function List() {
  const list = useQuery(typeList)
  if (list.data === undefined) {
    return list.isError ? (
      <Failure
        what="Could not load the device types"
        error={list.error}
        onRetry={() => void list.refetch()}
      />
    ) : (
      <SkeletonLines lines={3} heightPx={56} />
    )
  }
  if (list.data.length === 0) {
    return (
      <div className="panel">
        <Quietbox icon={<Shapes className="i" aria-hidden="true" />} title="No device type yet">
          <span>
            Devices work without. With a type, values have units, and commands a form that catches mistakes.
          </span>
        </Quietbox>
      </div>
    )
  }
  return (
    <section className="panel" aria-label="Device types">
      <div className="type type--head" aria-hidden="true">
        <span>Type</span>
        <span className="r">Metrics</span>
        <span className="r">Commands</span>
        <span className="r">Devices</span>
        <span>Changed</span>
      </div>
      <ul>
        {list.data.map((type) => (
          <TypeRow key={type.name} type={type} />
        ))}
      </ul>
    </section>
  )
}

function TypeRow({ type }: { type: DeviceType }) {
  const now = useNow()
  const metrics = Object.keys(type.metrics).length
  const commands = Object.keys(type.commands).length
  return (
    <li className="type" aria-label={type.name}>
      <Link className="type__name" to="/types/$typeName" params={{ typeName: type.name }}>
        <bdi className="strong cut">{type.label ?? type.name}</bdi>
        {type.label !== null && <span className="ink-3 cut">{type.name}</span>}
      </Link>
      <Count count={metrics} word="metric" />
      <Count count={commands} word="command" />
      <Count count={type.devices} word="device" />
      <span className="ink-2 cut type__changed">
        <When at={Date.parse(type.updatedAt)} now={now} /> by <bdi>{type.updatedBy}</bdi>
      </span>
    </li>
  )
}

/** A number under a head on a wide screen, a number and its word on a phone. */
function Count({ count, word }: { count: number; word: string }) {
  return (
    <span className="type__count">
      {formatCount(count)}
      <span className="type__word">{count === 1 ? ` ${word}` : ` ${word}s`}</span>
    </span>
  )
}
