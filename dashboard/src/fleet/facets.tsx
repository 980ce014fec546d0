import { Popover } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { FleetFacets } from '@telltale/api/contract'
import { ChevronDown } from 'lucide-react'
import { useState } from 'react'
import { formatCount, unknown } from '../ui/format.ts'
import { fleetFacets } from './fleet-queries.ts'
import { changeSearch, type FleetSearch, fleetStatuses, tagsOf, toggleTag } from './search.ts'

const tagsShown = 6
/** The server lists no more. */
const tagsListedMax = 200

type FacetsProps = { filter: FleetSearch; onFilter: (next: FleetSearch) => void }

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
        <More facets={facets} filter={filter} onFilter={onFilter} />
      )}
    </div>
  )
}

/** What is not among the most used ones may still be used, when there are so many that some were left out. */
function countOf({ tags }: FleetFacets, tag: string): number | undefined {
  return tags.find(({ name }) => name === tag)?.count ?? (tags.length < tagsListedMax ? 0 : undefined)
}

type FacetProps = { label: string; count: number | undefined; isOn: boolean; onPress: () => void }

function Facet({ label, count, isOn, onPress }: FacetProps) {
  return (
    <button type="button" className={isOn ? 'facet is-on' : 'facet'} aria-pressed={isOn} onClick={onPress}>
      {label} <b>{count === undefined ? unknown : formatCount(count)}</b>
    </button>
  )
}

type MoreProps = FacetsProps & { facets: FleetFacets }

/** Every tag and type, with a field to find one among hundreds. */
function More({ facets, filter, onFilter }: MoreProps) {
  const [typed, setTyped] = useState('')
  const isFound = ({ name }: { name: string }) => name.toLowerCase().includes(typed.trim().toLowerCase())
  const tags = facets.tags.filter(isFound)
  const types = facets.types.filter(isFound)
  const chosen = tagsOf(filter)
  const pressType = (type: string) =>
    onFilter(changeSearch(filter, { type: filter.type === type ? undefined : type }))
  return (
    <Popover position="bottom-end" width={320} shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <button type="button" className="facet">
          More tags
          <ChevronDown className="i i--sm" aria-hidden="true" />
        </button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Tags and types" className="moretags">
        <div className="input">
          <input
            aria-label="Find a tag or type"
            placeholder="Find a tag or type"
            data-autofocus
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        </div>
        <div className="moretags__all">
          {tags.length > 0 && <h3 className="moretags__head">Tags</h3>}
          {tags.map(({ name, count }) => (
            <Facet
              key={name}
              label={name}
              count={count}
              isOn={chosen.includes(name)}
              onPress={() => onFilter(changeSearch(filter, { tag: toggleTag(filter, name) }))}
            />
          ))}
          {types.length > 0 && <h3 className="moretags__head">Types</h3>}
          {types.map(({ name, count }) => (
            <Facet
              key={name}
              label={name}
              count={count}
              isOn={filter.type === name}
              onPress={() => pressType(name)}
            />
          ))}
          {tags.length + types.length === 0 && <p className="ink-3">Nothing of that name here.</p>}
        </div>
      </Popover.Dropdown>
    </Popover>
  )
}
