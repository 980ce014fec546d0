import type { FleetFacets } from '@telltale/api/contract'
import { useState } from 'react'
import type { AtButtonProps } from '../ui/late-menu.tsx'
import { PopoverAt } from '../ui/menu-at.tsx'
import { Facet } from './facet.tsx'
import type { FacetsProps } from './facets.tsx'
import { changeSearch, tagsOf, toggleTag } from './search.ts'

type MoreTagsProps = FacetsProps & AtButtonProps & { facets: FleetFacets }

/** Every tag and type, with a field to find one among hundreds. */
export function MoreTags({ facets, filter, onFilter, ...at }: MoreTagsProps) {
  const [typed, setTyped] = useState('')
  const isFound = ({ name }: { name: string }) => name.toLowerCase().includes(typed.trim().toLowerCase())
  const tags = facets.tags.filter(isFound)
  const types = facets.types.filter(isFound)
  const chosen = tagsOf(filter)
  const pressType = (type: string) =>
    onFilter(changeSearch(filter, { type: filter.type === type ? undefined : type }))
  return (
    <PopoverAt {...at} position="bottom-end" width={320} label="Tags and types" className="moretags">
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
    </PopoverAt>
  )
}
