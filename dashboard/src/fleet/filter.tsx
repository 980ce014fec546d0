import './filter.css'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { formatCount } from '../ui/format.ts'
import { Facets } from './facets.tsx'
import { fleetFacets } from './fleet-queries.ts'
import { SavedViews } from './saved-views.tsx'
import type { FleetSearch } from './search.ts'
import { SearchBox } from './search-box.tsx'
import { useFleetSummary } from './summary.ts'

type FilterProps = {
  filter: FleetSearch
  /** What can be done with all that match. */
  children: ReactNode
}

export function Filter({ filter, children }: FilterProps) {
  const navigate = useNavigate({ from: '/' })
  const onFilter = (search: FleetSearch) => void navigate({ search, replace: true })
  const total = useFleetSummary().data?.total
  const { data, isPlaceholderData } = useQuery(fleetFacets(filter))
  const isFiltered = Object.keys(filter).length > 0
  const isKnown = isFiltered && data !== undefined && total !== undefined && !isPlaceholderData
  const count = isKnown ? `${formatCount(data.matching)} of ${formatCount(total)}` : ''
  return (
    <section className="filter" aria-label="Filter">
      <div className="filter__row">
        <SearchBox filter={filter} onFilter={onFilter} count={count} />
        <SavedViews filter={filter} />
        {children}
      </div>
      <Facets filter={filter} onFilter={onFilter} />
    </section>
  )
}
