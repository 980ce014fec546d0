import './batches.css'
import { Modal } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { History, Send } from 'lucide-react'
import { useState } from 'react'
import { knownDevices } from '../devices/devices.ts'
import type { FleetSearch } from '../fleet/search.ts'
import { useMay } from '../session/session.ts'
import { NeedsRole } from '../ui/locked.tsx'
import { LazySendForm } from './lazy-send-form.tsx'

type SendManyProps = { filter: FleetSearch }

/** One command for all that the fleet's filter matches. */
export function SendMany({ filter }: SendManyProps) {
  const queryClient = useQueryClient()
  const may = useMay('operator')
  const [open, setOpen] = useState(false)
  return (
    <div className="sendmany">
      <button type="button" className="btn" disabled={!may} onClick={() => setOpen(true)}>
        <Send className="i" aria-hidden="true" />
        Send command…
      </button>
      {!may && <NeedsRole needed="operator" />}
      <Link
        className="btn btn--quiet btn--icon"
        to="/batches"
        aria-label="Commands sent to many so far"
        title="Commands sent to many so far"
      >
        <History className="i" aria-hidden="true" />
      </Link>
      <Modal
        opened={open}
        onClose={() => setOpen(false)}
        title="Send a command to many"
        size={560}
        closeOnClickOutside={false}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <LazySendForm filter={filter} devices={knownDevices(queryClient)} />
      </Modal>
    </div>
  )
}
