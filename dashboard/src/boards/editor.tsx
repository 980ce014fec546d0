import './edit.css'
import { TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import type { Board, Panel } from '@telltale/api/contract'
import { Plus, Undo2 } from 'lucide-react'
import { useState } from 'react'
import { TimeFrame } from '../charts/time-frame.tsx'
import { TopBar } from '../shell/top-bar.tsx'
import { LeaveQuestion } from '../ui/leave-question.tsx'
import { Quietbox } from '../ui/states.tsx'
import { randomUuid } from '../ui/uuid.ts'
import { BoardCrumb } from './board-crumb.tsx'
import { Conflict, SaveFailure } from './conflict.tsx'
import { EditGrid } from './edit-grid.tsx'
import { changePanel } from './layout.ts'
import { PanelDialog } from './panel-dialog.tsx'
import { panelsMax, sourcesOf } from './panels.ts'
import { RangeChoice } from './range-choice.tsx'
import { type Editing, useEditing } from './use-editing.ts'

/** A board while it is changed: nothing is saved until Save is pressed, and everything can be taken back until then. */
export function Editor({ board }: { board: Board }) {
  const edit = useEditing(board)
  const [dialog, setDialog] = useState<{ panel: Panel | null } | null>(null)
  const { draft } = edit
  const isFull = draft.panels.length >= panelsMax
  const put = (panel: Panel) => {
    const isKnown = draft.panels.some(({ id }) => id === panel.id)
    const panels = isKnown ? changePanel(draft.panels, panel) : [...draft.panels, panel]
    edit.change({ ...draft, panels }, isKnown ? 'Changed a panel.' : 'Added a panel.')
    setDialog(null)
  }
  return (
    <>
      <TopBar actions={<EditActions edit={edit} boardId={board.id} />}>
        <BoardCrumb name={draft.name} />
        <span className="ink-3 not-phone board__owner">editing</span>
      </TopBar>
      <div className="page page--tight">
        <Conflict edit={edit} board={board} />
        <SaveFailure edit={edit} />
        <div className="editbar">
          <TextInput
            className="editbar__name"
            label="Name"
            maxLength={200}
            value={draft.name}
            error={draft.name.trim() === '' ? 'A board needs a name.' : undefined}
            onChange={(event) =>
              edit.change({ ...draft, name: event.currentTarget.value }, 'Renamed.', 'name')
            }
          />
          <RangeChoice
            range={draft.range}
            onRange={(range) => edit.change({ ...draft, range }, 'Range changed.')}
          />
          <button type="button" className="btn" disabled={isFull} onClick={() => setDialog({ panel: null })}>
            <Plus className="i" aria-hidden="true" />
            Add panel
          </button>
          {isFull && <span className="ink-3">A board has {panelsMax} panels at most.</span>}
          <button type="button" className="btn btn--quiet" disabled={!edit.canUndo} onClick={edit.undo}>
            <Undo2 className="i" aria-hidden="true" />
            Undo
          </button>
          <span className="ink-3 editbar__said" role="status">
            {edit.said}
          </span>
        </div>
        <TimeFrame sources={sourcesOf(draft.panels)} usual={draft.range}>
          {draft.panels.length === 0 ? (
            <div className="panel">
              <Quietbox title="Nothing on this board yet">
                <span>Begin with what you look at first in the morning.</span>
                <button type="button" className="btn btn--primary" onClick={() => setDialog({ panel: null })}>
                  Add the first panel
                </button>
              </Quietbox>
            </div>
          ) : (
            <EditGrid
              panels={draft.panels}
              onChange={(panels, said, what) => edit.change({ ...draft, panels }, said, what)}
              onEdit={(panel) => setDialog({ panel })}
            />
          )}
        </TimeFrame>
      </div>
      <PanelDialog
        key={dialog === null ? 'none' : (dialog.panel?.id ?? 'new')}
        open={dialog !== null}
        panel={dialog?.panel ?? null}
        newId={randomUuid}
        usual={draft.range}
        onClose={() => setDialog(null)}
        onDone={put}
      />
      <LeaveQuestion
        dirty={edit.dirty}
        what="board"
        // Another range of the same board.
        staysAt={({ pathname, search }) => pathname === `/boards/${board.id}` && isEdit(search)}
      />
    </>
  )
}

function EditActions({ edit, boardId }: { edit: Editing; boardId: string }) {
  const navigate = useNavigate()
  const to = { to: '/boards/$boardId', params: { boardId }, search: {} } as const
  return (
    <>
      <button
        type="button"
        className="btn"
        // Asks first when there is something to lose.
        onClick={() => void navigate(to)}
      >
        {edit.dirty ? 'Cancel' : 'Done'}
      </button>
      <button
        type="button"
        className="btn btn--primary"
        disabled={!edit.dirty || edit.isSaving || edit.draft.name.trim() === ''}
        onClick={() => edit.save(() => void navigate({ ...to, ignoreBlocker: true }))}
      >
        {edit.isSaving ? 'Saving…' : 'Save'}
      </button>
    </>
  )
}

function isEdit(search: unknown): boolean {
  return typeof search === 'object' && search !== null && 'edit' in search
}
