import { NativeSelect } from '@mantine/core'
import { formatExact, formatSpan } from '../ui/format.ts'
import type { BoardContent } from './boards.ts'

const minute = 60_000
const windows = [5, 15, 60, 360, 1_440, 10_080].map((minutes) => minutes * minute)

type Range = BoardContent['range']

/** What the board opens with; whoever looks may choose another. */
export function RangeChoice({ range, onRange }: { range: Range; onRange: (range: Range) => void }) {
  const current = range.kind === 'live' ? range.windowMs : null
  const known =
    current === null || windows.includes(current) ? windows : [...windows, current].sort((a, b) => a - b)
  return (
    <NativeSelect
      label="Opens with"
      value={current === null ? 'fixed' : String(current)}
      data={[
        ...(range.kind === 'fixed' ? [{ value: 'fixed', label: fixedWords(range) }] : []),
        ...known.map((ms) => ({ value: String(ms), label: `the last ${formatSpan(ms)}` })),
      ]}
      onChange={(event) => {
        const chosen = Number(event.currentTarget.value)
        if (Number.isFinite(chosen)) onRange({ kind: 'live', windowMs: chosen })
      }}
    />
  )
}

function fixedWords({ from, to }: Extract<Range, { kind: 'fixed' }>): string {
  return `${formatExact(from)} to ${formatExact(to)}`
}
