import { Textarea, TextInput } from '@mantine/core'
import { Send } from 'lucide-react'
import { type SyntheticEvent, useState } from 'react'
import { useMay } from '../session/session.ts'
import { formatClock, formatClockShort, formatSpan } from '../ui/format.ts'
import { NeedsRole } from '../ui/locked.tsx'
import { useNow } from '../use-live.ts'
import type { CommandRequest } from './command-socket.ts'
import { type Sending, useSocketPhase } from './commands.ts'
import { readParams } from './params.ts'

const ttls = [
  { label: '10 s', ms: 10_000 },
  { label: '30 s', ms: 30_000 },
  { label: '5 min', ms: 300_000 },
  { label: '1 h', ms: 3_600_000 },
  { label: '1 d', ms: 86_400_000 },
]

type CommandFormProps = {
  offline: boolean
  sending: Sending
  onSend: (request: Omit<CommandRequest, 'id' | 'deviceId'>) => void
}

export function CommandForm({ offline, sending, onSend }: CommandFormProps) {
  const may = useMay('operator')
  const phase = useSocketPhase()
  const [name, setName] = useState('')
  const [params, setParams] = useState('')
  const [ttlMs, setTtl] = useState(30_000)
  const read = readParams(params)
  const block = !may ? 'role' : phase !== 'open' ? 'line' : null
  const ready = block === null && name.trim() !== '' && read.ok && sending.kind !== 'sending'
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    if (!ready || !read.ok) return
    onSend({ name: name.trim(), ...(read.params !== undefined && { params: read.params }), ttlMs })
  }
  return (
    <form className="console__form" onSubmit={submit}>
      <TextInput
        label="Command"
        placeholder="set-led"
        maxLength={128}
        disabled={!may}
        spellCheck={false}
        autoCapitalize="none"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Textarea
        label="Parameters, JSON"
        placeholder={'{"on": true}'}
        autosize
        minRows={2}
        maxRows={10}
        disabled={!may}
        spellCheck={false}
        classNames={{ input: 'mono' }}
        value={params}
        error={read.ok ? null : read.message}
        onChange={(event) => setParams(event.currentTarget.value)}
      />
      <Ttl ttlMs={ttlMs} onTtl={setTtl} disabled={!may} />
      <Go block={block} ready={ready} busy={sending.kind === 'sending'} offline={offline} ttlMs={ttlMs} />
      <Outcome sending={sending} />
    </form>
  )
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
      <button type="submit" className="btn btn--primary" disabled={!ready} aria-describedby="send-note">
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

function Ttl({ ttlMs, onTtl, disabled }: TtlProps) {
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
  if (sending.kind === 'lost') {
    return (
      <p className="console__outcome ink-warn" role="alert">
        The connection broke before the command was taken. It was not sent.
      </p>
    )
  }
  return null
}
