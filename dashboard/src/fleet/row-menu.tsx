import { Menu } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Ban, CircleCheck, Copy, Gauge, LayoutDashboard, Plug, Send } from 'lucide-react'
import { useEffect } from 'react'
import { changeDevice, knownDevices, oneDevice } from '../devices/devices.ts'
import { useMay } from '../session/session.ts'
import { copyText } from '../ui/clipboard.ts'

export type RowMenuAt = { id: string; button: HTMLElement }

/** One menu for all rows, where its button is: ten thousand closed ones would cost each row its share. */
export function RowMenu({ at, onClose }: { at: RowMenuAt | null; onClose: () => void }) {
  useEffect(() => {
    if (at === null) return
    window.addEventListener('scroll', onClose, { once: true })
    return () => window.removeEventListener('scroll', onClose)
  }, [at, onClose])
  if (at === null) return null
  const box = at.button.getBoundingClientRect()
  const close = () => {
    onClose()
    at.button.focus({ preventScroll: true })
  }
  return (
    <Menu opened onClose={close} position="bottom-end" width={220} returnFocus={false}>
      <Menu.Target>
        <span
          className="rowmenu__anchor"
          style={{ left: box.left, top: box.top, width: box.width, height: box.height }}
        />
      </Menu.Target>
      <Menu.Dropdown>
        <Items id={at.id} onDone={close} />
      </Menu.Dropdown>
    </Menu>
  )
}

function Items({ id, onDone }: { id: string; onDone: () => void }) {
  const may = useMay('operator')
  const queryClient = useQueryClient()
  const device = knownDevices(queryClient).find((known) => known.id === id)
  const setDisabled = async (disabled: boolean) => {
    onDone()
    queryClient.setQueryData(oneDevice(id).queryKey, await changeDevice(id, { disabled }))
    await queryClient.invalidateQueries({ queryKey: ['devices', 'list'] })
  }
  const params = { deviceId: id }
  const isDisabled = device !== undefined && device.disabledAt !== null
  return (
    <>
      <Menu.Item
        leftSection={<Gauge className="i" />}
        renderRoot={(props) => <Link to="/devices/$deviceId" params={params} {...props} />}
      >
        Open
      </Menu.Item>
      <Menu.Item
        leftSection={<LayoutDashboard className="i" />}
        renderRoot={(props) => <Link to="/boards/device/$deviceId" params={params} {...props} />}
      >
        Board
      </Menu.Item>
      <Menu.Item
        leftSection={<Send className="i" />}
        renderRoot={(props) => (
          <Link to="/devices/$deviceId" params={params} search={{ tab: 'commands' }} {...props} />
        )}
      >
        Send command
      </Menu.Item>
      {device?.presence.status === 'never' && (
        <Menu.Item
          leftSection={<Plug className="i" />}
          renderRoot={(props) => <Link to="/connect" search={{ device: id }} {...props} />}
        >
          How to connect
        </Menu.Item>
      )}
      <Menu.Divider />
      <Menu.Item leftSection={<Copy className="i" />} onClick={() => void copyText(id).then(onDone)}>
        Copy id
      </Menu.Item>
      <Menu.Item
        disabled={!may || device === undefined}
        leftSection={isDisabled ? <CircleCheck className="i" /> : <Ban className="i" />}
        rightSection={may ? undefined : <small>operator</small>}
        onClick={() => void setDisabled(!isDisabled)}
      >
        {isDisabled ? 'Enable' : 'Disable'}
      </Menu.Item>
    </>
  )
}
