import { ArrowDown } from 'lucide-react'
import type { Selecting } from './use-selection.ts'

/** Columns are for the eye: every row says the same in words. */
export function ListHead({ selecting }: { selecting: Selecting }) {
  const { count, matching } = selecting
  const isAll = count > 0 && count === matching
  return (
    <div className="row row--head">
      <label className="rowcheck">
        <input
          ref={(input) => {
            if (input !== null) input.indeterminate = count > 0 && !isAll
          }}
          type="checkbox"
          className="tick"
          aria-label="Select all that match"
          checked={isAll}
          onChange={() => (count > 0 ? selecting.clear() : selecting.all())}
        />
      </label>
      <span aria-hidden="true" title="In the order of their ids">
        Device <ArrowDown className="i" aria-hidden="true" />
      </span>
      <span aria-hidden="true">State</span>
      <span aria-hidden="true">Last values</span>
      <span aria-hidden="true">Last hour</span>
      <span aria-hidden="true" className="row__pres" title="The share of each hour connected">
        Last 24 hours
      </span>
      <span aria-hidden="true" className="seen">
        Seen
      </span>
      <span aria-hidden="true" />
    </div>
  )
}
