import type { Board } from '@telltale/api/contract'
import { ApiError } from '../api.ts'
import { formatMoment } from '../ui/format.ts'
import { Failure } from '../ui/states.tsx'
import { useNow } from '../use-live.ts'
import { copyName, useKeep } from './keep.ts'
import type { Editing } from './use-editing.ts'

/** Somebody else has saved: told as soon as it is known, and nothing of either is lost. */
export function Conflict({ edit, board }: { edit: Editing; board: Board }) {
  const now = useNow(10_000)
  const keep = useKeep()
  if (board.version <= edit.base.version) return null
  return (
    <div className="banner banner--off" role="alert">
      <span>
        <b>
          <bdi>{board.updatedBy}</bdi>
        </b>{' '}
        has saved this board meanwhile, {formatMoment(Date.parse(board.updatedAt), now)}. Yours cannot be
        saved over it.
      </span>
      <button type="button" className="btn btn--sm" onClick={edit.takeTheirs}>
        Show theirs
      </button>
      {edit.dirty && (
        <button
          type="button"
          className="btn btn--sm"
          disabled={keep.isPending}
          onClick={() => keep.mutate({ ...edit.draft, name: copyName(edit.draft.name), shared: false })}
        >
          Save mine as a copy
        </button>
      )}
    </div>
  )
}

export function SaveFailure({ edit }: { edit: Editing }) {
  const { error } = edit
  if (error === null) return null
  const problem = error instanceof ApiError ? error.problem : null
  if (problem?.code === 'board_changed') return null
  return (
    <>
      <Failure what="Not saved" error={error} />
      {problem?.errors?.map(({ path, message }) => (
        <p key={`${path} ${message}`} className="ink-bad">
          {path.replace(/^body\//, '')} {message}
        </p>
      ))}
    </>
  )
}
