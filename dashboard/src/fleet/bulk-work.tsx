import type { Doing, Target } from './bulk-bar.tsx'
import { BulkEnable } from './bulk-enable.tsx'
import { BulkTags } from './bulk-tags.tsx'

type BulkWorkProps = { doing: Exclude<Doing, 'send'>; target: Target; count: number; onDone: () => void }

/** A file of its own: it is needed after many have been selected, never before. */
export function BulkWork({ doing, target, count, onDone }: BulkWorkProps) {
  if (doing === 'tag') return <BulkTags target={target} count={count} onDone={onDone} />
  return <BulkEnable target={target} isDisabling={doing === 'disable'} onDone={onDone} />
}
