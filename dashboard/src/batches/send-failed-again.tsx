import { Modal } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { CommandBatch, NewCommandBatch } from '@telltale/api/contract'
import { RotateCw } from 'lucide-react'
import { useRef, useState } from 'react'
import { TypedConfirm } from '../commands/typed-confirm.tsx'
import { useMay } from '../session/session.ts'
import { typeList } from '../types/types.ts'
import { formatCount } from '../ui/format.ts'
import { NeedsRole } from '../ui/locked.tsx'
import { Failure } from '../ui/states.tsx'
import { randomUuid } from '../ui/uuid.ts'
import { batchList, createBatch, failedDevices } from './batches.ts'
import { devicesWords, failedCount, needsTyping, retryMax } from './words.ts'

/** The same command, to those it did not work for: a new one for many, with results of its own. */
export function SendFailedAgain({ batch }: { batch: CommandBatch }) {
  const may = useMay('operator')
  const [open, setOpen] = useState(false)
  const failed = failedCount(batch)
  if (failed === 0 || failed > retryMax) return null
  return (
    <div className="batch__stop">
      {!may && <NeedsRole needed="operator" />}
      <button type="button" className="btn" disabled={!may} onClick={() => setOpen(true)}>
        <RotateCw className="i" aria-hidden="true" />
        Send again to {devicesWords(failed)}…
      </button>
      <Modal
        opened={open}
        onClose={() => setOpen(false)}
        title={<bdi>{`Send ${batch.name} again?`}</bdi>}
        centered
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <Question batch={batch} failed={failed} onClose={() => setOpen(false)} />
      </Modal>
    </div>
  )
}

type QuestionProps = { batch: CommandBatch; failed: number; onClose: () => void }

function Question({ batch, failed, onClose }: QuestionProps) {
  const send = useSendAgain(batch)
  const types = useQuery(typeList).data ?? []
  const isDangerous = types.some(
    ({ commands }) => Object.hasOwn(commands, batch.name) && commands[batch.name]?.dangerous === true,
  )
  const words = (
    <p className="ink-2 num">
      To the {devicesWords(failed)} where it failed, was rejected or refused, timed out or expired. Those that
      have carried it out are left alone.
    </p>
  )
  return (
    <>
      {needsTyping(failed, isDangerous) ? (
        <TypedConfirm
          label={`Type ${formatCount(failed)} to send it`}
          answers={[String(failed), formatCount(failed)]}
          action={`Send to ${devicesWords(failed)}`}
          busy={send.isPending}
          onConfirm={() => send.mutate()}
          onKeep={onClose}
        >
          {words}
        </TypedConfirm>
      ) : (
        <>
          {words}
          <div className="confirm__answers">
            <button type="button" className="btn" data-autofocus onClick={onClose}>
              Do not send
            </button>
            <button
              type="button"
              className="btn btn--primary"
              disabled={send.isPending}
              onClick={() => send.mutate()}
            >
              Send to {devicesWords(failed)}
            </button>
          </div>
        </>
      )}
      {send.isError && <Failure what="Not sent" error={send.error} />}
    </>
  )
}

function useSendAgain(batch: CommandBatch) {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  // Pressed twice, or pressed again after a lost answer, it is the same one.
  const key = useRef(randomUuid())
  return useMutation({
    mutationFn: async () => {
      const ids = await failedDevices(batch.id)
      const params = batch.params === null || batch.params === undefined ? {} : { params: batch.params }
      const again: NewCommandBatch = { filter: { ids }, name: batch.name, ...params, ttlMs: batch.ttlMs }
      return createBatch(again, key.current)
    },
    onSuccess: async (made) => {
      void queryClient.invalidateQueries({ queryKey: batchList.queryKey })
      await navigate({ to: '/batches/$batchId', params: { batchId: made.id }, search: {} })
    },
  })
}
