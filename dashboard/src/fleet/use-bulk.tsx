import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { DevicesChange, DevicesChanged } from '@telltale/api/contract'
import { devicesWords } from '../batches/words.ts'
import { changeDevices } from './fleet-queries.ts'

/** One change for many devices; whatever shows them asks anew. */
export function useBulk() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: (change: DevicesChange) => changeDevices(change),
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: ['devices'] })
      void queryClient.invalidateQueries({ queryKey: ['fleet'] })
    },
  })
}

type BulkDoneProps = { done: DevicesChanged; onClose: () => void }

export function BulkDone({ done: { devices, changed, refused }, onClose }: BulkDoneProps) {
  const same = devices - changed - refused
  return (
    <div className="bulkform">
      <p role="status">
        <b className="strong">{devicesWords(changed)} changed.</b>
        {same > 0 && ` ${devicesWords(same)} ${same === 1 ? 'was' : 'were'} so already.`}
        {refused > 0 &&
          ` ${devicesWords(refused)} left as ${refused === 1 ? 'it was' : 'they were'}: more than 32 tags are too many.`}
      </p>
      <div>
        <button type="button" className="btn" data-autofocus onClick={onClose}>
          Close
        </button>
      </div>
    </div>
  )
}
