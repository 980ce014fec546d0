import '../commands/commands.css'
import { NativeSelect } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { CommandBatchCount, DeviceFilter, NewCommandBatch } from '@telltale/api/contract'
import { Send } from 'lucide-react'
import { type SyntheticEvent, useRef, useState } from 'react'
import { ApiError } from '../api.ts'
import { CommandFields } from '../commands/command-fields.tsx'
import { focusFirstError, Ttl } from '../commands/command-form.tsx'
import { type CommandDraft, type Commands, commandOf, newDraft, readDraft } from '../commands/draft.ts'
import { paramsErrors } from '../commands/placed-errors.ts'
import { TypedConfirm } from '../commands/typed-confirm.tsx'
import { typeList } from '../types/types.ts'
import { formatCount } from '../ui/format.ts'
import { Failure, SkeletonLines } from '../ui/states.tsx'
import { randomUuid } from '../ui/uuid.ts'
import { batchList, createBatch, selectionCount } from './batches.ts'
import { countWords, devicesWords, filterWords, needsTyping } from './words.ts'

const noCommands: Commands = {}

type SendFormProps = {
  filter: DeviceFilter
  /** The type all of them may have: looked up, not believed. Null: not known yet. */
  suspect: string | null
}

export function SendForm({ filter, suspect }: SendFormProps) {
  const target = useTarget(filter, suspect)
  const [writing, setWriting] = useState<{ of: string; draft: CommandDraft } | null>(null)
  const [ttlMs, setTtl] = useState(30_000)
  const [batch, setBatch] = useState<NewCommandBatch | null>(null)
  const form = useRef<HTMLFormElement>(null)
  const create = useCreate()
  const draft = writing?.of === target.type ? writing.draft : newDraft(target.commands)
  const setDraft = (next: CommandDraft) => {
    setWriting({ of: target.type, draft: next })
    create.reset()
  }
  const read = readDraft(draft, target.commands)
  const refusal = refusalOf(create.error)
  const { count } = target
  if (count === undefined || target.pending) return <Counting target={target} />
  const dangerous = commandOf(read.name, target.commands)?.dangerous === true
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    if (read.errors.length > 0) {
      setDraft({ ...draft, pressed: true })
      requestAnimationFrame(() => focusFirstError(form.current))
      return
    }
    const asked = newBatch({ filter: target.filter, read, ttlMs, count })
    if (needsTyping(count.devices, dangerous)) setBatch(asked)
    else create.mutate(asked)
  }
  if (batch !== null) {
    return (
      <TypedConfirm
        label={`${count.devices} or ${batch.name}`}
        answers={[String(count.devices), formatCount(count.devices), batch.name]}
        action={`Send to ${devicesWords(count.devices)}`}
        busy={create.isPending}
        onKeep={() => setBatch(null)}
        // What was refused is looked at again, with the reason, before anything else is pressed.
        onConfirm={() => create.mutate(batch, { onError: () => setBatch(null) })}
      >
        <p className="ink-2">
          <b className="strong">{batch.name}</b> goes to {devicesWords(count.devices)}
          {dangerous ? ', and their type calls it dangerous' : ''}. What is sent cannot be called back. Type
          the number of devices, or the name of the command.
        </p>
      </TypedConfirm>
    )
  }
  const ready = read.name !== '' && read.jsonError === null && count.devices > 0 && !create.isPending
  return (
    <form ref={form} className="sendform" noValidate onSubmit={submit}>
      <Selection target={target} count={count} />
      <CommandFields
        commands={target.commands}
        draft={draft}
        onDraft={setDraft}
        disabled={create.isPending}
        refused={refusal.params}
      />
      <Ttl ttlMs={ttlMs} onTtl={setTtl} disabled={create.isPending} />
      {refusal.changed && (
        <p className="ink-warn" role="alert">
          The selection has changed meanwhile: {countWords(count)} Nothing was sent. Look again, then send.
        </p>
      )}
      {create.isError && !refusal.changed && <Failure what="Nothing was sent" error={create.error} />}
      <div>
        <button type="submit" className="btn btn--primary" disabled={!ready}>
          <Send className="i" aria-hidden="true" />
          {create.isPending ? 'Sending…' : `Send to ${devicesWords(count.devices)}`}
        </button>
      </div>
    </form>
  )
}

type Target = ReturnType<typeof useTarget>

/** The fleet's filter, narrowed to one type when all share it: then its commands have forms. */
function useTarget(search: DeviceFilter, suspect: string | null) {
  const whole: DeviceFilter = Object.keys(search).length === 0 ? { all: true } : search
  const types = useQuery(typeList)
  const [chosen, setType] = useState<string | null>(null)
  const wholeCount = useQuery(selectionCount(whole))
  const suspectCount = useQuery({
    ...selectionCount({ ...search, type: suspect ?? '' }),
    enabled: suspect !== null && suspect !== '',
  })
  // Who suspects may know only some of the devices; the two counts say whether it is true of all.
  const shared =
    suspect && wholeCount.data !== undefined && wholeCount.data.devices === suspectCount.data?.devices
      ? suspect
      : ''
  const type = chosen ?? shared
  const filter: DeviceFilter = type === '' ? whole : { ...search, type }
  const counted = useQuery(selectionCount(filter))
  const known = types.data?.find(({ name }) => name === type)
  return {
    ...{ filter, type, setType, shared },
    types: types.data?.map(({ name }) => name) ?? [],
    commands: known?.commands ?? noCommands,
    count: counted.data,
    pending: suspect === null || types.isPending || wholeCount.isPending || suspectCount.isLoading,
    error: counted.error ?? wholeCount.error,
    recount: () => void Promise.all([wholeCount.refetch(), counted.refetch()]),
  }
}

function Counting({ target }: { target: Target }) {
  if (target.error === null) return <SkeletonLines lines={3} />
  return <Failure what="Could not count the devices" error={target.error} onRetry={target.recount} />
}

function Selection({ target, count }: { target: Target; count: CommandBatchCount }) {
  const names = [...new Set([target.type, target.shared, ...target.types])].filter(Boolean)
  return (
    <div className="selection">
      <p>
        <b className="strong">{filterWords(target.filter)}</b>
        <br />
        <span role="status" className={count.devices === 0 ? 'num ink-warn' : 'num ink-2'}>
          {countWords(count)}
        </span>
      </p>
      {names.length > 0 && (
        <NativeSelect
          label="Of type"
          data={[{ value: '', label: 'Any type' }, ...names.map((name) => ({ value: name, label: name }))]}
          value={target.type}
          onChange={(event) => target.setType(event.currentTarget.value)}
        />
      )}
    </div>
  )
}

type Asked = {
  filter: DeviceFilter
  read: ReturnType<typeof readDraft>
  ttlMs: number
  count: CommandBatchCount
}

function newBatch({ filter, read, ttlMs, count }: Asked): NewCommandBatch {
  const params = read.params === undefined ? {} : { params: read.params }
  return { filter, name: read.name, ...params, ttlMs, devicesMax: count.devices }
}

function useCreate() {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  // The same content is the same batch, however often it is pressed and whatever became of the answer.
  const sent = useRef({ content: '', key: '' })
  return useMutation({
    mutationFn: (batch: NewCommandBatch) => {
      const content = JSON.stringify(batch)
      if (sent.current.content !== content) sent.current = { content, key: randomUuid() }
      return createBatch(batch, sent.current.key)
    },
    onSuccess: async (batch) => {
      void queryClient.invalidateQueries({ queryKey: batchList.queryKey })
      await navigate({ to: '/batches/$batchId', params: { batchId: batch.id }, search: {} })
    },
    onError: () => queryClient.invalidateQueries({ queryKey: ['command-batches', 'count'] }),
  })
}

function refusalOf(error: Error | null) {
  const problem = error instanceof ApiError ? error.problem : null
  return {
    changed: problem?.code === 'selection_changed',
    params: paramsErrors(problem?.errors ?? []).params,
  }
}
