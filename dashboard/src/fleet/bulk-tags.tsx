import { TagsInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { devicesWords } from '../batches/words.ts'
import { Failure } from '../ui/states.tsx'
import type { Target } from './bulk-bar.tsx'
import { fleetFacets } from './fleet-queries.ts'
import { tagsOf } from './search.ts'
import { BulkDone, useBulk } from './use-bulk.tsx'

const suggestedMax = 200

type BulkTagsProps = { target: Target; count: number; onDone: () => void }

/** Tags to put on and tags to take off, for all in one go. */
export function BulkTags({ target, count, onDone }: BulkTagsProps) {
  const known = useQuery(fleetFacets({})).data?.tags.map(({ name }) => name) ?? []
  const [addTags, setAdd] = useState<string[]>([])
  const [removeTags, setRemove] = useState<string[]>([])
  const change = useBulk()
  if (change.data !== undefined) return <BulkDone done={change.data} onClose={onDone} />
  const isEmpty = addTags.length === 0 && removeTags.length === 0
  const clean = (tags: string[]) => tagsOf({ tag: tags.join(',') })
  return (
    <form
      className="bulkform"
      onSubmit={(event) => {
        event.preventDefault()
        if (!isEmpty) change.mutate({ filter: target, addTags, removeTags, devicesMax: count })
      }}
    >
      <TagsInput
        label="Add tags"
        data-autofocus
        data={known.filter((tag) => !addTags.includes(tag))}
        limit={suggestedMax}
        value={addTags}
        onChange={(tags) => setAdd(clean(tags))}
        splitChars={[',', ' ']}
        acceptValueOnBlur
        comboboxProps={{ withinPortal: true }}
      />
      <TagsInput
        label="Remove tags"
        data={known.filter((tag) => !removeTags.includes(tag) && !addTags.includes(tag))}
        limit={suggestedMax}
        value={removeTags}
        onChange={(tags) => setRemove(clean(tags).filter((tag) => !addTags.includes(tag)))}
        splitChars={[',', ' ']}
        acceptValueOnBlur
      />
      {change.isError && <Failure what="Nothing was changed" error={change.error} />}
      <div>
        <button type="submit" className="btn btn--primary" disabled={isEmpty || change.isPending}>
          {change.isPending ? 'Changing…' : `Change ${devicesWords(count)}`}
        </button>
      </div>
    </form>
  )
}
