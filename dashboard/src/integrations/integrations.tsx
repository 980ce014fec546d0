import './integrations.css'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Lock, Plug, Plus } from 'lucide-react'
import { useState } from 'react'
import { useMay } from '../session/session.ts'
import { TopBar } from '../shell/top-bar.tsx'
import { NeedsRole } from '../ui/locked.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { IntegrationRow } from './integration-row.tsx'
import { integrationList } from './integrations.ts'
import { NewIntegrationDialog } from './new-integration.tsx'

export function Integrations() {
  const may = useMay('admin')
  const [open, setOpen] = useState(false)
  return (
    <>
      <title>Integrations · Telltale</title>
      <TopBar>
        <h1 className="top__title">Integrations</h1>
      </TopBar>
      <div className="page">
        <div className="integrations__head">
          <p className="ink-2">
            Programs that speak MQTT and are not devices: Node-RED, Home Assistant, Telegraf, a script of
            yours. Each has a name, a secret of its own, and no more rights than you give it.
          </p>
          <button type="button" className="btn btn--primary" disabled={!may} onClick={() => setOpen(true)}>
            <Plus className="i" aria-hidden="true" />
            New integration
          </button>
        </div>
        {may ? <List /> : <NotAllowed />}
      </div>
      {may && <NewIntegrationDialog open={open} onClose={() => setOpen(false)} />}
    </>
  )
}

function NotAllowed() {
  return (
    <div className="panel">
      <Quietbox
        icon={<Lock className="i" aria-hidden="true" />}
        title="Only an administrator sees integrations"
      >
        <span>Their secrets open the data of all devices. Ask an administrator for one.</span>
        <NeedsRole needed="admin" />
      </Quietbox>
    </div>
  )
}

function List() {
  const list = useInfiniteQuery(integrationList)
  if (list.data === undefined) {
    return list.isError ? (
      <Failure
        what="Could not load the integrations"
        error={list.error}
        onRetry={() => void list.refetch()}
      />
    ) : (
      <SkeletonLines lines={3} heightPx={60} />
    )
  }
  const integrations = list.data.pages.flatMap(({ items }) => items)
  if (integrations.length === 0) {
    return (
      <div className="panel">
        <Quietbox icon={<Plug className="i" aria-hidden="true" />} title="No integration yet">
          <span>
            Make one, and its program reads what all devices send from a single connection, or brings readings
            in.
          </span>
        </Quietbox>
      </div>
    )
  }
  return (
    <section className="panel" aria-label="Integrations">
      <ul className="integrations__list">
        {integrations.map((integration) => (
          <IntegrationRow key={integration.name} integration={integration} />
        ))}
      </ul>
      {list.hasNextPage && (
        <div className="integrations__more">
          <button
            type="button"
            className="btn btn--sm"
            disabled={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            Show more
          </button>
        </div>
      )}
    </section>
  )
}
