import { Send } from 'lucide-react'
import { memo, type SyntheticEvent, useRef, useState } from 'react'
import { useMay } from '../session/session.ts'
import { formatClock, formatClockShort, formatSpan } from '../ui/format.ts'
import { NeedsRole } from '../ui/locked.tsx'
import { useNow } from '../use-live.ts'
import { CommandFields } from './command-fields.tsx'
import type { CommandRequest } from './command-socket.ts'
import { type Sending, useSocketPhase } from './commands.ts'
import { type Commands, newDraft, readDraft } from './draft.ts'

const ttls = [
  { label: '10 s', ms: 10_000 },
  { label: '30 s', ms: 30_000 },
  { label: '5 min', ms: 300_000 },
  { label: '1 h', ms: 3_600_000 },
  { label: '1 d', ms: 86_400_000 },
]

export type NewCommandRequest = Omit<CommandRequest, 'id' | 'deviceId'>

type CommandFormProps = {
  commands: Commands
  offline: boolean
  sending: Sending
  onSend: (request: NewCommandRequest) => void
}

/** Its text field is measured whenever it is rendered: what comes with each reading must not be among its props. */
export const CommandForm = memo(function CommandForm(props: CommandFormProps) {
  const { commands, offline, sending, onSend } = props
  const may = useMay('operator')
  const phase = useSocketPhase()
  const form = useRef<HTMLFormElement>(null)
  const [draft, setDraft] = useState(() => newDraft(commands))
  const [sentText, setSentText] = useState<string | null>(null)
  const [ttlMs, setTtl] = useState(30_000)
  const read = readDraft(draft, commands)
  const block = !may ? 'role' : phase !== 'open' ? 'line' : null
  // Not disabled while it is sent: a button that is disabled loses the focus.
  const busy = sending.kind === 'sending'
  const ready = block === null && read.name !== '' && read.jsonError === null
  // What the server said is about what it was sent: the first change makes it history.
  const refused = sending.kind === 'refused' && sentText === draft.text ? sending.params : []
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    if (!ready || busy) return
    if (read.errors.length > 0) {
      setDraft({ ...draft, pressed: true })
      requestAnimationFrame(() => focusFirstError(form.current))
      return
    }
    setSentText(draft.text)
    onSend({ name: read.name, ...(read.params !== undefined && { params: read.params }), ttlMs })
  }
  return (
    <form ref={form} className="console__form" noValidate onSubmit={submit}>
      <CommandFields commands={commands} draft={draft} onDraft={setDraft} disabled={!may} refused={refused} />
      <Ttl ttlMs={ttlMs} onTtl={setTtl} disabled={!may} />
      <Go block={block} ready={ready} busy={busy} offline={offline} ttlMs={ttlMs} />
      <Outcome sending={sending} />
    </form>
  )
})

export function focusFirstError(form: HTMLElement | null): void {
  form?.querySelector<HTMLElement>('[aria-invalid="true"], [data-invalid] button')?.focus()
}

type GoProps = {
  block: 'role' | 'line' | null
  ready: boolean
  busy: boolean
  offline: boolean
  ttlMs: number
}

function Go({ block, ready, busy, offline, ttlMs }: GoProps) {
  return (
    <div className="console__go">
      <button
        type="submit"
        className="btn btn--primary"
        disabled={!ready}
        aria-busy={busy}
        aria-describedby="send-note"
      >
        <Send className="i" aria-hidden="true" />
        {busy ? 'Sending…' : 'Send'}
      </button>
      <span id="send-note" className="console__note">
        {block === 'role' ? (
          <NeedsRole needed="operator" />
        ) : (
          <SendNote lineDown={block === 'line'} offline={offline} ttlMs={ttlMs} />
        )}
      </span>
    </div>
  )
}

type TtlProps = { ttlMs: number; onTtl: (ms: number) => void; disabled: boolean }

export function Ttl({ ttlMs, onTtl, disabled }: TtlProps) {
  return (
    <fieldset className="ttl" disabled={disabled}>
      <legend className="field__label">Expires after</legend>
      <div className="seg seg--sm">
        {ttls.map(({ label, ms }) => (
          <button
            key={ms}
            type="button"
            className={ms === ttlMs ? 'is-active' : ''}
            aria-pressed={ms === ttlMs}
            onClick={() => onTtl(ms)}
          >
            {label}
          </button>
        ))}
      </div>
    </fieldset>
  )
}

/** Nothing is ever queued here: a press either goes out now or says why it cannot. */
function SendNote({ lineDown, offline, ttlMs }: { lineDown: boolean; offline: boolean; ttlMs: number }) {
  const now = useNow()
  if (lineDown) return <span className="ink-warn">not connected: nothing can be sent now</span>
  const until = ttlMs < 120_000 ? formatClock(now + ttlMs) : formatClockShort(now + ttlMs)
  if (offline) return <span className="ink-warn">offline: waits until {until}, then expires</span>
  return <span className="ink-3">expires in {formatSpan(ttlMs)} if not delivered</span>
}

function Outcome({ sending }: { sending: Sending }) {
  if (sending.kind === 'refused') {
    return (
      <p className="console__outcome ink-bad" role="alert">
        {sending.words}
        {sending.requestId !== '' && <small className="ink-3"> request {sending.requestId}</small>}
      </p>
    )
  }
  if (sending.kind === 'sending' && sending.checking) {
    return (
      <p className="console__outcome ink-warn" role="status">
        The connection broke. Looking up whether the command was taken…
      </p>
    )
  }
  if (sending.kind === 'lost') {
    return (
      <p className="console__outcome ink-warn" role="alert">
        The connection broke, and Telltale has no record of the command.
      </p>
    )
  }
  return null
}
