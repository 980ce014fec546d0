import '../commands/commands.css'
import { Textarea } from '@mantine/core'
import type { CommandType, Device } from '@telltale/api/contract'
import { Send } from 'lucide-react'
import { type SyntheticEvent, useRef, useState } from 'react'
import { focusFirstError, type NewCommandRequest } from '../commands/command-form.tsx'
import { type CommandDraft, choose, draftField, readDraft, withField } from '../commands/draft.ts'
import { ParamsForm } from '../commands/params-form.tsx'
import { placeErrors } from '../commands/placed-errors.ts'
import { TypedConfirm } from '../commands/typed-confirm.tsx'
import { paramsText } from '../commands/values.ts'
import type { PanelOf } from './panels.ts'

/** A press on a board may be an accident: what goes where is shown first, and sent by a second press. */
const ttlMs = 30_000

type SendDialogProps = {
  panel: PanelOf<'command'>
  device: Device
  type: CommandType | undefined
  onSend: (request: NewCommandRequest) => void
  onClose: () => void
}

export function SendDialog({ panel, device, type, onSend, onClose }: SendDialogProps) {
  const commands = type === undefined ? {} : { [panel.name]: type }
  const [draft, setDraft] = useState(() => firstDraft(panel, type))
  const [asked, setAsked] = useState<NewCommandRequest | null>(null)
  const form = useRef<HTMLFormElement>(null)
  const read = readDraft(draft, commands)
  const field = draftField(draft, commands)
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    if (read.jsonError !== null) return
    if (read.errors.length > 0) {
      setDraft({ ...draft, pressed: true })
      requestAnimationFrame(() => focusFirstError(form.current))
      return
    }
    const request = { name: panel.name, ...(read.params !== undefined && { params: read.params }), ttlMs }
    if (type?.dangerous === true) setAsked(request)
    else onSend(request)
  }
  if (asked !== null) {
    return (
      <TypedConfirm
        label="Name or id of the device"
        answers={[device.name, device.id]}
        action={`Send ${panel.name}`}
        onKeep={onClose}
        onConfirm={() => onSend(asked)}
      >
        <p className="ink-2">
          Its type calls this command dangerous. It goes to{' '}
          <b className="strong">
            <bdi>{device.name}</bdi>
          </b>{' '}
          ({device.id}). Type its name to send it.
        </p>
      </TypedConfirm>
    )
  }
  return (
    <form ref={form} className="sendform" noValidate onSubmit={submit}>
      <p className="ink-2">
        <b className="strong mono">{panel.name}</b> goes to{' '}
        <b className="strong">
          <bdi>{device.name}</bdi>
        </b>
        . It expires in 30 s if it is not delivered.
      </p>
      {field !== null && read.jsonError === null && draft.tab === 'form' ? (
        <ParamsForm
          root={field}
          form={{
            params: read.params,
            errors: placeErrors(field, read.shown, read.params),
            disabled: false,
            onChange: (path, value) => setDraft(withField(draft, path, { root: field, value })),
            onJson: () => setDraft({ ...draft, tab: 'json' }),
          }}
        />
      ) : (
        (type === undefined || field !== null || panel.params !== undefined) && (
          <Textarea
            label="Parameters, JSON"
            autosize
            minRows={2}
            maxRows={10}
            spellCheck={false}
            classNames={{ input: 'mono' }}
            value={draft.text}
            error={read.jsonError ?? read.errors[0]?.message}
            onChange={(event) => setDraft({ ...draft, text: event.currentTarget.value })}
          />
        )
      )}
      <div className="confirm__answers">
        <button type="button" className="btn" onClick={onClose}>
          Do not send
        </button>
        <button type="submit" className="btn btn--primary" data-autofocus disabled={read.jsonError !== null}>
          <Send className="i" aria-hidden="true" />
          Send
        </button>
      </div>
    </form>
  )
}

/** What the board says; where it says nothing, what the type proposes. */
function firstDraft(panel: PanelOf<'command'>, type: CommandType | undefined): CommandDraft {
  const draft = choose(
    { kind: type === undefined ? 'other' : 'named', name: panel.name },
    type === undefined ? {} : { [panel.name]: type },
  )
  return panel.params === undefined ? draft : { ...draft, text: paramsText(panel.params) }
}
