import { useMutation } from '@tanstack/react-query'
import type { Command } from '@telltale/api/contract'
import { Lock, RotateCw } from 'lucide-react'
import { ApiError } from '../api.ts'
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
  /** What its type calls it. */
  label: string | undefined
  offline: boolean
  onSendAgain: () => void
  onChanged: (command: Command) => void
}

export function CommandItem({ command, label, offline, onSendAgain, onChanged }: CommandItemProps) {
  const now = useNow()
  const said = verdict(command, now, offline)
  const young = now - Date.parse(command.createdAt) < unfoldedMs
  const unfolded = !isFinished(command) || young
  return (
    <article className="cmd" aria-label={`${command.name}, ${command.status}`}>
      <div className="cmd__head">
        {!unfolded && <Lamp shape={said.shape} tone={said.tone} />}
        <bdi className="cmd__name cut" title={command.name}>
          {label ?? command.name}
        </bdi>
        {unfolded && label !== undefined && label !== command.name && (
          <bdi className="cmd__machine cut">{command.name}</bdi>
        )}
        <span className="cmd__params cut">{unfolded ? paramsWords(command.params) : said.words}</span>
        <time className="cmd__when">{formatMoment(Date.parse(command.createdAt), now)}</time>
        {!unfolded && <Actions command={command} icon onSendAgain={onSendAgain} onChanged={onChanged} />}
      </div>
      {unfolded && <Track command={command} />}
      {unfolded && <Answer command={command} />}
      {unfolded && (
        <div className="cmd__line">
          <span className={`${said.ink} strong cmd__said`}>{said.words}</span>
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
  return (
    <div className="cmd__answer">
      <span className="label">Answer</span>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <pre className="payload cmd__result" dir="ltr" tabIndex={0}>
        {JSON.stringify(command.result)}
      </pre>
    </div>
  )
}

type ActionsProps = Omit<CommandItemProps, 'offline' | 'label'> & { icon?: boolean }

function Actions({ command, icon = false, onSendAgain, onChanged }: ActionsProps) {
  const may = useMay('operator')
  const phase = useSocketPhase()
  if (command.status === 'queued') return <Cancel command={command} may={may} onChanged={onChanged} />
  if (!isFinished(command)) return <span className="cmd__gone">sent, cannot be cancelled</span>
  return (
    <button
      type="button"
      className={icon ? 'btn btn--quiet btn--icon btn--sm' : 'link'}
      aria-label={`Send again: ${command.name}`}
      title={may ? undefined : 'needs the operator role'}
      disabled={!may || phase !== 'open'}
      onClick={onSendAgain}
    >
      {!may ? (
        <span className="iconline">
          <Lock className="i i--sm" aria-hidden="true" />
          {!icon && 'Send again'}
        </span>
      ) : icon ? (
        <RotateCw className="i i--sm" aria-hidden="true" />
      ) : (
        'Send again'
      )}
    </button>
  )
}

type CancelProps = { command: Command; may: boolean; onChanged: (command: Command) => void }

/** It may be sent while the button is pressed: then the answer says so, and the steps do. */
function Cancel({ command, may, onChanged }: CancelProps) {
  const cancel = useMutation({ mutationFn: () => cancelCommand(command.id), onSuccess: onChanged })
  const refused = cancel.error instanceof ApiError ? cancel.error.problem : null
  return (
    <>
      {cancel.isError && (
        <span className="ink-warn" role="alert">
          not cancelled: {refused?.title.toLowerCase() ?? 'no answer'}
        </span>
      )}
      <button
        type="button"
        className="link"
        title={may ? undefined : 'needs the operator role'}
        disabled={!may || cancel.isPending}
        onClick={() => cancel.mutate()}
      >
        Cancel
      </button>
    </>
  )
}

function trackTone({ status }: Command): string {
  if (status === 'succeeded') return 'track--ok'
  return ['queued', 'sent', 'delivered', 'accepted'].includes(status) ? '' : 'track--off'
}

function paramsWords(params: unknown): string {
  return params === null || params === undefined ? '' : JSON.stringify(params)
}
