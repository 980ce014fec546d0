import { Modal } from '@mantine/core'
import type { Command, Device } from '@telltale/api/contract'
import { Send } from 'lucide-react'
import { useState } from 'react'
import { type Sending, useCommands, useSend, useSocketPhase } from '../commands/commands.ts'
import { type Commands, calledOf, commandOf } from '../commands/draft.ts'
import { trackSteps, verdict } from '../commands/track.ts'
import { useMay } from '../session/session.ts'
import { formatMoment } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { NeedsRole } from '../ui/locked.tsx'
import { useBoardDevice } from './boards.ts'
import { OfDevice, PanelFrame } from './panel-frame.tsx'
import type { PanelOf } from './panels.ts'
import { SendDialog } from './send-dialog.tsx'

const noCommands: Commands = {}

/** A button, and how far its last command got. It never shows a state the device has not reported. */
export function CommandPanel({ panel }: { panel: PanelOf<'command'> }) {
  const of = useBoardDevice(panel.deviceId)
  const label = labelOf(panel, of.type?.commands ?? noCommands)
  const title = panel.title ?? label
  return (
    <PanelFrame panel={panel} title={title} deviceId={panel.deviceId} deviceName={of.device?.name}>
      <OfDevice of={of} deviceId={panel.deviceId} what={title}>
        {of.device !== undefined && (
          <Sender
            key={`${panel.deviceId} ${panel.name}`}
            panel={panel}
            label={label}
            device={of.device}
            commands={of.type?.commands ?? noCommands}
            now={of.now}
          />
        )}
      </OfDevice>
    </PanelFrame>
  )
}

/** A button that was given no word of its own says what the device's type calls the command. */
function labelOf({ label, name }: PanelOf<'command'>, commands: Commands): string {
  return label === name ? calledOf(name, commands) : label
}

type SenderProps = {
  panel: PanelOf<'command'>
  label: string
  device: Device
  commands: Commands
  now: number
}

function Sender({ panel, label, device, commands, now }: SenderProps) {
  const may = useMay('operator')
  const phase = useSocketPhase()
  const { commands: sent, remember } = useCommands(panel.deviceId)
  const { sending, sendNow } = useSend(panel.deviceId, remember)
  const [open, setOpen] = useState(false)
  const last = sent.find(({ name }) => name === panel.name)
  const offline = device.presence.status === 'offline' || device.presence.status === 'never'
  const busy = sending.kind === 'sending'
  return (
    <div className="bcommand">
      <button
        type="button"
        className="btn bcommand__go"
        disabled={!may || phase !== 'open' || busy || device.disabledAt !== null}
        onClick={() => setOpen(true)}
      >
        <Send className="i" aria-hidden="true" />
        <bdi className="cut">{busy ? 'Sending…' : label}</bdi>
      </button>
      <div className="bcommand__said">
        {!may ? (
          <NeedsRole needed="operator" />
        ) : device.disabledAt !== null ? (
          <span className="ink-off">the device is disabled</span>
        ) : phase !== 'open' ? (
          <span className="ink-warn">not connected: nothing can be sent now</span>
        ) : (
          <Outcome sending={sending} />
        )}
        {last === undefined ? (
          <span className="ink-3">not sent yet</span>
        ) : (
          <LastSent command={last} now={now} offline={offline} />
        )}
      </div>
      <Modal
        opened={open}
        onClose={() => setOpen(false)}
        title={label}
        centered
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <SendDialog
          panel={panel}
          device={device}
          type={commandOf(panel.name, commands)}
          onClose={() => setOpen(false)}
          onSend={(request) => {
            setOpen(false)
            void sendNow(request)
          }}
        />
      </Modal>
    </div>
  )
}

/** Five lamps in a row are a command's way; the words say where it is and who said so. */
function LastSent({ command, now, offline }: { command: Command; now: number; offline: boolean }) {
  const said = verdict(command, now, offline)
  return (
    <span className="bcommand__last">
      <span className="bcommand__lamps" aria-hidden="true">
        {trackSteps(command).map((step) => (
          <Lamp key={step.name} shape={step.shape} tone={step.tone} />
        ))}
      </span>
      <span className={`${said.ink} cut`} title={said.note}>
        {said.words}
      </span>
      <time className="ink-3 num">{formatMoment(Date.parse(command.createdAt), now)}</time>
    </span>
  )
}

function Outcome({ sending }: { sending: Sending }) {
  switch (sending.kind) {
    case 'refused':
      return (
        <span className="ink-bad" role="alert">
          {sending.params[0]?.message ?? sending.words}
        </span>
      )
    case 'lost':
      return (
        <span className="ink-warn" role="alert">
          The connection broke: no record of the command.
        </span>
      )
    case 'sending':
      return sending.checking ? <span className="ink-warn">Looking up whether it was taken…</span> : null
    case 'idle':
      return null
  }
}
