import { Menu } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import type { Device } from '@telltale/api/contract'
import { Ban, CircleCheck, Copy, EllipsisVertical, LayoutDashboard, Link2, Plug, Trash2 } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { useMay } from '../session/session.ts'
import { copyText } from '../ui/clipboard.ts'
import { NeedsRole } from '../ui/locked.tsx'
import { DeleteModal } from './delete-device.tsx'
import { useChange } from './use-change.ts'

/** What is not done every day. */
export function DeviceMenu({ device }: { device: Device }) {
  const may = useMay('operator')
  const navigate = useNavigate()
  const change = useChange(device)
  const [isDeleting, setDeleting] = useState(false)
  const isDisabled = device.disabledAt !== null
  return (
    <>
      <Menu position="bottom-end" width={232}>
        <Menu.Target>
          <button
            type="button"
            className="btn btn--quiet btn--icon btn--sm"
            aria-label="More about this device"
          >
            <EllipsisVertical className="i" aria-hidden="true" />
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={icon(LayoutDashboard)}
            onClick={() => void navigate({ to: '/boards/device/$deviceId', params: { deviceId: device.id } })}
          >
            Board
          </Menu.Item>
          <Menu.Item
            leftSection={icon(Plug)}
            onClick={() => void navigate({ to: '/connect', search: { device: device.id } })}
          >
            How to connect it
          </Menu.Item>
          <Menu.Item leftSection={icon(Copy)} onClick={() => void copyText(device.id)}>
            Copy id
          </Menu.Item>
          <Menu.Item leftSection={icon(Link2)} onClick={() => void copyText(window.location.href)}>
            Copy the link to this page
          </Menu.Item>
          <Menu.Divider />
          {!may && (
            <Menu.Label>
              <NeedsRole needed="operator" />
            </Menu.Label>
          )}
          <Menu.Item
            leftSection={icon(isDisabled ? CircleCheck : Ban)}
            disabled={!may || change.isPending}
            onClick={() => change.mutate({ disabled: !isDisabled })}
          >
            {isDisabled ? 'Enable' : 'Disable'}
          </Menu.Item>
          <Menu.Item
            className="ink-bad"
            leftSection={icon(Trash2)}
            disabled={!may}
            onClick={() => setDeleting(true)}
          >
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <DeleteModal device={device} open={isDeleting} onClose={() => setDeleting(false)} />
    </>
  )
}

function icon(Icon: typeof Plug): ReactNode {
  return <Icon className="i" aria-hidden="true" />
}
