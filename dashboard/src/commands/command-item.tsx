import { useMutation } from '@tanstack/react-query'
import type { Command } from '@telltale/api/contract'
import { RotateCw } from 'lucide-react'
import { useMay } from '../session/session.ts'
import { formatMoment } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { useNow } from '../use-live.ts'
import { cancelCommand, useSocketPhase } from './commands.ts'
import { isFinished, trackSteps, verdict } from './track.ts'

/** A success stays unfolded this long, so its answer can be read; then it is a line in the list. */
const unfoldedMs = 10 * 60_000

type CommandItemProps = {
  command: Command
  offline: boolean
  onSendAgain: () => void
  onChanged: (command: Command) => void
}

export function CommandItem({ command, offline, onSendAgain, onChanged }: CommandItemProps) {
  const now = useNow()
  const said = verdict(command, now, offline)
  const young = now - Date.parse(command.createdAt) < unfoldedMs
  const unfolded = !isFinished(command) || young
  return (
    <article className="cmd" aria-label={`${command.name}, ${command.status}`}>
      <div className="cmd__head">
        {!unfolded && <Lamp shape={said.shape} tone={said.tone} />}
        <span className="cmd__name">{command.name}</span>
        <span className="cmd__params cut">{unfolded ? paramsWords(command.params) : said.words}</span>
        <time className="cmd__when">{formatMoment(Date.parse(command.createdAt), now)}</time>
        {!unfolded && <Actions command={command} icon onSendAgain={onSendAgain} onChanged={onChanged} />}
      </div>
      {unfolded && <Track command={command} />}
      {unfolded && <Answer command={command} />}
      {unfolded && (
        <div className="cmd__line">
          <span className={`${said.ink} strong`}>{said.words}</span>
          <span className="ink-3">{said.note}</span>
          <Actions command={command} onSendAgain={onSendAgain} onChanged={onChanged} />
        </div>
      )}
    </article>
  )
}

function Track({ command }: { command: Command }) {
  return (
    <ol className={`track ${trackTone(command)}`} aria-label="Steps">
      {trackSteps(command).map((step) => (
        <li key={step.name} className={step.done ? 'track__step is-done' : 'track__step'}>
          <Lamp shape={step.shape} tone={step.tone} />
          <span>
            {step.name}
            <span className="vh">{step.done ? ', reached' : ', not reached'}</span>
          </span>
          <time>{step.time === '' ? '\u00a0' : step.time}</time>
        </li>
      ))}
    </ol>
  )
}

function Answer({ command }: { command: Command }) {
  if (command.result === null || command.result === undefined) return null
  return <div className="payload">{JSON.stringify(command.result)}</div>
}

type ActionsProps = Omit<CommandItemProps, 'offline'> & { icon?: boolean }

function Actions({ command, icon = false, onSendAgain, onChanged }: ActionsProps) {
  const may = useMay('operator')
  const phase = useSocketPhase()
  const cancel = useMutation({ mutationFn: () => cancelCommand(command.id), onSuccess: onChanged })
  if (!may) return null
  if (command.status === 'queued') {
    return (
      <button type="button" className="link" disabled={cancel.isPending} onClick={() => cancel.mutate()}>
        Cancel
      </button>
    )
  }
  if (!isFinished(command)) return null
  return (
    <button
      type="button"
      className={icon ? 'btn btn--quiet btn--icon btn--sm' : 'link'}
      aria-label={`Send again: ${command.name}`}
      disabled={phase !== 'open'}
      onClick={onSendAgain}
    >
      {icon ? <RotateCw className="i i--sm" aria-hidden="true" /> : 'Send again'}
    </button>
  )
}

function trackTone({ status }: Command): string {
  if (status === 'succeeded') return 'track--ok'
  return ['queued', 'sent', 'delivered', 'accepted'].includes(status) ? '' : 'track--off'
}

function paramsWords(params: unknown): string {
  return params === null || params === undefined ? '' : JSON.stringify(params)
}
