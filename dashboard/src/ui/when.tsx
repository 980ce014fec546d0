import { formatAgo, formatExact } from './format.ts'

/** How long ago, in words; the exact time on hover. */
export function When({ at, now }: { at: number; now: number }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={formatExact(at)}>
      {formatAgo(at, now)}
    </time>
  )
}
