import './batches.css'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { FleetFacets } from '@telltale/api/contract'
import { History, Send } from 'lucide-react'
import { useState } from 'react'
import { fleetFacets } from '../fleet/fleet-queries.ts'
import type { FleetSearch } from '../fleet/search.ts'
import { useMay } from '../session/session.ts'
import { LateDialog } from '../ui/late-dialog.tsx'
import { NeedsRole } from '../ui/locked.tsx'
import { LazySendForm } from './lazy-send-form.tsx'

type SendManyProps = { filter: FleetSearch }

/** One command for all that the fleet's filter matches. */
export function SendMany({ filter }: SendManyProps) {
  const may = useMay('operator')
  const [open, setOpen] = useState(false)
  const facets = useQuery(fleetFacets(filter)).data
  return (
    <div className="sendmany">
      <button type="button" className="btn" disabled={!may} onClick={() => setOpen(true)}>
        <Send className="i" aria-hidden="true" />
        Send command…
      </button>
      {!may && <NeedsRole needed="operator" />}
      <Link
        className="btn btn--quiet btn--icon"
        to="/batches"
        aria-label="Commands sent to many so far"
        title="Commands sent to many so far"
      >
        <History className="i" aria-hidden="true" />
      </Link>
      <LateDialog opened={open} onClose={() => setOpen(false)} title="Send a command to many">
        <LazySendForm filter={filter} suspect={filter.type ?? onlyType(facets)} />
      </LateDialog>
    </div>
  )
}

/** The type that all matching devices have, empty when there is none; null until the counts are there. */
function onlyType(facets: FleetFacets | undefined): string | null {
  if (facets === undefined) return null
  return facets.types.find(({ count }) => count === facets.matching)?.name ?? ''
}
