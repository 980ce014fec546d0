import '../commands/commands.css'
import { useQuery } from '@tanstack/react-query'
import { ApiError } from '../api.ts'
import { devicesWords, needsTyping } from '../batches/words.ts'
import { TypedConfirm } from '../commands/typed-confirm.tsx'
import { formatCount } from '../ui/format.ts'
import { Failure, SkeletonLines } from '../ui/states.tsx'
import type { Target } from './bulk-bar.tsx'
import { devicesCount } from './fleet-queries.ts'
import { BulkDone, useBulk } from './use-bulk.tsx'

type BulkEnableProps = { target: Target; isDisabling: boolean; onDone: () => void }

/** Counted by the server first; disabling many asks for their number. */
export function BulkEnable({ target, isDisabling, onDone }: BulkEnableProps) {
  const count = useQuery(devicesCount(target))
  const change = useBulk()
  if (change.data !== undefined) return <BulkDone done={change.data} onClose={onDone} />
  if (count.isError)
    return (
      <Failure what="Could not count the devices" error={count.error} onRetry={() => void count.refetch()} />
    )
  if (count.data === undefined) return <SkeletonLines lines={2} />
  const { devices } = count.data
  const go = () =>
    change.mutate(
      { filter: target, disabled: isDisabling, devicesMax: devices },
      { onError: () => void count.refetch() },
    )
  const action = `${isDisabling ? 'Disable' : 'Enable'} ${devicesWords(devices)}`
  const failed = change.isError && <Refused error={change.error} />
  const text = isDisabling
    ? 'Their connections are closed, and they are not let in until they are enabled again. What they have sent stays.'
    : 'They may connect again, with the secrets they have.'
  if (isDisabling && needsTyping(devices, false)) {
    return (
      <TypedConfirm
        label={`${formatCount(devices)} to confirm`}
        answers={[String(devices), formatCount(devices)]}
        action={action}
        keep="Leave them"
        busy={change.isPending}
        onKeep={onDone}
        onConfirm={go}
      >
        <p className="ink-2">{text} Type how many they are.</p>
        {failed}
      </TypedConfirm>
    )
  }
  return (
    <div className="bulkform">
      <p className="ink-2">{text}</p>
      {failed}
      <div className="confirm__answers">
        <button type="button" className="btn" data-autofocus onClick={onDone}>
          Leave them
        </button>
        <button
          type="button"
          className={isDisabling ? 'btn btn--danger' : 'btn btn--primary'}
          disabled={change.isPending || devices === 0}
          onClick={go}
        >
          {action}
        </button>
      </div>
    </div>
  )
}

function Refused({ error }: { error: Error }) {
  const isChanged = error instanceof ApiError && error.problem.code === 'selection_changed'
  if (!isChanged) return <Failure what="Nothing was changed" error={error} />
  return (
    <p className="ink-warn" role="alert">
      More devices match than were counted. Nothing was changed: look at the number, then confirm again.
    </p>
  )
}
