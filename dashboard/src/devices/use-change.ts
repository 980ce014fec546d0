import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Device, DeviceChange } from '@telltale/api/contract'
import { changeDevice } from './devices.ts'

/** Changes a device; wherever it is shown, it is shown as the answer says. */
export function useChange(device: Device) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: (change: DeviceChange) => changeDevice(device.id, change),
    onSuccess: (changed) => {
      queryClient.setQueryData(['devices', 'one', device.id], changed)
      void queryClient.invalidateQueries({ queryKey: ['devices', 'list'] })
    },
  })
}
