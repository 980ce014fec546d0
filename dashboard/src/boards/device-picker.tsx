import { Select } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { oneDevice } from '../devices/devices.ts'
import { devicesMatching } from './device-search.ts'

type DevicePickerProps = {
  label: string
  /** Empty: none yet, or a list that goes on taking more. */
  deviceId: string
  error?: string | undefined
  onDevice: (deviceId: string) => void
}

/** Finds a device among however many: the server searches. */
export function DevicePicker({ label, deviceId, error, onDevice }: DevicePickerProps) {
  const [typed, setTyped] = useState('')
  const chosen = useQuery({ ...oneDevice(deviceId), enabled: deviceId !== '' }).data
  const chosenName = chosen?.name ?? deviceId
  // The field shows what is chosen: that is no search.
  const found = useQuery({
    ...devicesMatching(typed === chosenName ? '' : typed),
    placeholderData: keepPreviousData,
  })
  const listed = (found.data?.items ?? []).map(({ id, name }) => ({ value: id, label: name }))
  const isListed = deviceId === '' || listed.some(({ value }) => value === deviceId)
  return (
    <Select
      label={label}
      placeholder="Find a device"
      searchable
      data={isListed ? listed : [{ value: deviceId, label: chosenName }, ...listed]}
      value={deviceId === '' ? null : deviceId}
      error={error ?? (found.isError ? 'Could not load the devices.' : undefined)}
      searchValue={typed}
      onSearchChange={setTyped}
      // The server has matched them; names and ids both count.
      filter={({ options }) => options}
      nothingFoundMessage={found.isPending ? 'Looking…' : 'No device matches'}
      maxDropdownHeight={280}
      comboboxProps={{ withinPortal: true }}
      onChange={(id) => {
        if (id === null) return
        onDevice(id)
        if (deviceId === '') setTyped('')
      }}
      renderOption={({ option }) => (
        <span className="deviceoption">
          <bdi className="cut">{option.label}</bdi>
          {option.label !== option.value && <span className="ink-3 cut">{option.value}</span>}
        </span>
      )}
    />
  )
}
