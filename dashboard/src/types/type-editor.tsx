import { TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { DeviceType, DeviceTypeBody } from '@telltale/api/contract'
import { type RefObject, type SyntheticEvent, useEffect, useRef, useState } from 'react'
import { ApiError } from '../api.ts'
import { useMay } from '../session/session.ts'
import { formatCount } from '../ui/format.ts'
import { LeaveQuestion } from '../ui/leave-question.tsx'
import { NeedsRole } from '../ui/locked.tsx'
import { Failure } from '../ui/states.tsx'
import { CommandRows } from './command-rows.tsx'
import { DeleteType } from './delete-type.tsx'
import { placeTypeErrors, readTypeDraft, type Slots, type TypeDraft, toDraft } from './draft.ts'
import { MetricRows } from './metric-rows.tsx'
import { putType, typeList } from './types.ts'

const noSlots: Slots = new Map()

type TypeEditorProps = { name: string; type: DeviceType | null }

/** All of a type is one form, saved together or not at all. */
export function TypeEditor({ name, type }: TypeEditorProps) {
  const may = useMay('admin')
  const form = useRef<HTMLFormElement>(null)
  const edit = useEdit(type)
  const { draft, setDraft, dirty } = edit
  const [pressed, setPressed] = useState(false)
  const save = useSave(name, edit.rebase)
  const read = readTypeDraft(draft)
  const refused = save.isError ? refusedSlots(save.error, draft) : null
  const slots = refused?.slots.size ? refused.slots : pressed ? read.errors : noSlots
  const change = (next: TypeDraft) => {
    setDraft(next)
    save.reset()
  }
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    setPressed(true)
    if (!may || save.isPending) return
    if (read.errors.size > 0) focusError(form)
    else save.mutate(read.body, { onSuccess: () => setPressed(false), onError: () => focusError(form) })
  }
  return (
    <form ref={form} className="typeedit" noValidate onSubmit={submit}>
      {!may && (
        <p>
          <NeedsRole needed="admin" />
        </p>
      )}
      {may && type === null && (
        <p className="ink-2">
          Nobody has described this type yet. Nothing is saved until you press Create type.
        </p>
      )}
      {edit.overtaken && type !== null && (
        <div className="banner banner--off" role="status">
          <span>{type.updatedBy} has saved this type meanwhile. Saving yours replaces theirs.</span>
          <button type="button" className="btn btn--sm" onClick={edit.discard}>
            Show theirs
          </button>
        </div>
      )}
      <General
        name={name}
        type={type}
        draft={draft}
        disabled={!may}
        error={slots.get('label')}
        onChange={change}
      />
      <MetricRows
        metrics={draft.metrics}
        slots={slots}
        disabled={!may}
        onChange={(metrics) => change({ ...draft, metrics })}
      />
      <CommandRows
        commands={draft.commands}
        slots={slots}
        disabled={!may}
        onChange={(commands) => change({ ...draft, commands })}
      />
      {save.isError && (
        <Refusal error={save.error} slots={refused?.slots.size ?? 0} rest={refused?.rest ?? []} />
      )}
      <div className="savebar">
        <button
          type="submit"
          className="btn btn--primary"
          disabled={!may || save.isPending || (!dirty && type !== null)}
        >
          {save.isPending ? 'Saving…' : type === null ? 'Create type' : 'Save'}
        </button>
        {dirty && (
          <button type="button" className="btn" onClick={edit.discard}>
            Discard changes
          </button>
        )}
        <span className="ink-3" role="status">
          {dirty ? 'Not saved yet' : ''}
        </span>
        {type !== null && <DeleteType type={type} may={may} onDeleted={edit.discard} />}
      </div>
      <LeaveQuestion what="page" dirty={dirty && !save.isPending} />
    </form>
  )
}

/** What is typed stays when the list is read anew; what somebody else saved is told, not mixed in. */
function useEdit(type: DeviceType | null) {
  const [base, setBase] = useState({ at: type?.updatedAt, draft: toDraft(type) })
  const [draft, setDraft] = useState(base.draft)
  const dirty = draft !== base.draft
  const rebase = (saved: DeviceType | null) => {
    const fresh = toDraft(saved)
    setBase({ at: saved?.updatedAt, draft: fresh })
    setDraft(fresh)
  }
  const moved = base.at !== type?.updatedAt
  const follow = useRef(rebase)
  follow.current = rebase
  useEffect(() => {
    if (moved && !dirty) follow.current(type)
  }, [moved, dirty, type])
  return { draft, setDraft, dirty, overtaken: moved && dirty, rebase, discard: () => rebase(type) }
}

function useSave(name: string, onSaved: (type: DeviceType) => void) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: (body: DeviceTypeBody) => putType(name, body),
    onSuccess: (saved) => {
      queryClient.setQueryData(typeList.queryKey, (types) =>
        [...(types ?? []).filter((type) => type.name !== name), saved].sort((a, b) =>
          a.name < b.name ? -1 : 1,
        ),
      )
      onSaved(saved)
      notifications.show({ message: `${saved.label ?? saved.name} is saved.` })
    },
  })
}

function refusedSlots(error: Error, draft: TypeDraft) {
  const errors = error instanceof ApiError ? error.problem.errors : undefined
  return errors === undefined ? null : placeTypeErrors(errors, draft)
}

function focusError(form: RefObject<HTMLFormElement | null>): void {
  requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
}

type GeneralProps = TypeEditorProps & {
  draft: TypeDraft
  disabled: boolean
  error: string | undefined
  onChange: (draft: TypeDraft) => void
}

function General({ name, type, draft, disabled, error, onChange }: GeneralProps) {
  const devices = type?.devices ?? 0
  return (
    <section className="panel" aria-labelledby="general">
      <div className="panel__head">
        <h2 className="panel__title" id="general">
          General
        </h2>
        <span className="ink-3 num">
          {devices === 1 ? 'used by 1 device' : `used by ${formatCount(devices)} devices`}
        </span>
      </div>
      <div className="panel__body typeedit__general">
        <TextInput label="Name" value={name} readOnly disabled classNames={{ input: 'mono' }} />
        <TextInput
          label="Label"
          placeholder={name}
          maxLength={100}
          disabled={disabled}
          value={draft.label}
          error={error}
          onChange={(event) => onChange({ ...draft, label: event.currentTarget.value })}
        />
      </div>
    </section>
  )
}

/** Sentences that stand at a field are not said twice. */
function Refusal({ error, slots, rest }: { error: Error; slots: number; rest: readonly string[] }) {
  if (slots === 0 && rest.length === 0) return <Failure what="Not saved" error={error} />
  return (
    <div className="typeedit__refusal ink-bad" role="alert">
      <b>Not saved.</b> {slots > 0 && 'What is wrong is said at the fields.'}
      {rest.map((line) => (
        <p key={line}>{line}</p>
      ))}
      {error instanceof ApiError && <small className="ink-3">request {error.problem.requestId}</small>}
    </div>
  )
}
