import { useQuery } from '@tanstack/react-query'
import type { FleetFacets } from '@telltale/api/contract'
import { ChevronDown } from 'lucide-react'
import { LateMenu } from '../ui/late-menu.tsx'
import { Facet } from './facet.tsx'
import { fleetFacets } from './fleet-queries.ts'
import { changeSearch, type FleetSearch, fleetStatuses, tagsOf, toggleTag } from './search.ts'

const loadMore = () => import('./more-tags.tsx').then(({ MoreTags }) => MoreTags)
const tagsShown = 6
/** The server lists no more. */
const tagsListedMax = 200

export type FacetsProps = { filter: FleetSearch; onFilter: (next: FleetSearch) => void }

/** Each says how many devices a press on it leaves. */
export function Facets({ filter, onFilter }: FacetsProps) {
  const facets = useQuery(fleetFacets(filter)).data
  // The most used tags of the whole fleet: they keep their places whatever is chosen.
  const all = useQuery(fleetFacets({})).data
  const common = all?.tags.slice(0, tagsShown).map(({ name }) => name) ?? []
  const chosen = tagsOf(filter)
  const shown = [...common, ...chosen.filter((tag) => !common.includes(tag))]
  const pressTag = (tag: string) => onFilter(changeSearch(filter, { tag: toggleTag(filter, tag) }))
  return (
    <div className="facetbar">
      <div className="facets">
        {fleetStatuses.map(({ status, label }) => (
          <Facet
            key={status}
            label={label}
            count={facets?.status[status]}
            isOn={filter.status === status}
            onPress={() =>
              onFilter(changeSearch(filter, { status: filter.status === status ? undefined : status }))
            }
          />
        ))}
        {shown.length > 0 && <span className="facets__sep" />}
        {shown.map((tag) => (
          <Facet
            key={tag}
            label={tag}
            count={facets && countOf(facets, tag)}
            isOn={chosen.includes(tag)}
            onPress={() => pressTag(tag)}
          />
        ))}
      </div>
      {facets !== undefined && all !== undefined && all.tags.length + all.types.length > common.length && (
        <LateMenu load={loadMore} give={{ facets, filter, onFilter }} popup="dialog" className="facet">
          More tags
          <ChevronDown className="i i--sm" aria-hidden="true" />
        </LateMenu>
      )}
    </div>
  )
}

/** What is not among the most used ones may still be used, when there are so many that some were left out. */
function countOf({ tags }: FleetFacets, tag: string): number | undefined {
  return tags.find(({ name }) => name === tag)?.count ?? (tags.length < tagsListedMax ? 0 : undefined)
}
