import { Modal, TextInput } from '@mantine/core'
import type { Panel } from '@telltale/api/contract'
import { type SyntheticEvent, useState } from 'react'
import { TimeFrame } from '../charts/time-frame.tsx'
import type { BoardContent } from './boards.ts'
import { KindChoice } from './kind-choice.tsx'
import { newPanelDraft, type PanelDraft, readPanelDraft, toPanelDraft } from './panel-draft.ts'
import { PanelFields } from './panel-fields.tsx'
import { PanelView } from './panel-view.tsx'
import { sourcesOf } from './panels.ts'

type PanelDialogProps = {
  open: boolean
  /** Null: a new one. */
  panel: Panel | null
  newId: () => string
  usual: BoardContent['range']
  onClose: () => void
  onDone: (panel: Panel) => void
}

export function PanelDialog(props: PanelDialogProps) {
  const { open, panel, onClose } = props
  return (
    <Modal
      opened={open}
      onClose={onClose}
      title={panel === null ? 'Add a panel' : 'Change the panel'}
      size="min(960px, 96vw)"
      centered
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <PanelForm {...props} />
    </Modal>
  )
}

function PanelForm({ panel, newId, usual, onClose, onDone }: PanelDialogProps) {
  const [id] = useState(() => panel?.id ?? newId())
  const [draft, setDraft] = useState<PanelDraft>(() =>
    panel === null ? newPanelDraft() : toPanelDraft(panel),
  )
  const [pressed, setPressed] = useState(false)
  const read = readPanelDraft(draft, panel, id)
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    setPressed(true)
    if (read.panel !== null) onDone(read.panel)
  }
  return (
    <form className="panelform" noValidate onSubmit={submit}>
      <div className="panelform__fields">
        <KindChoice kind={draft.kind} onKind={(kind) => setDraft({ ...draft, kind })} />
        <PanelFields draft={draft} errors={pressed ? read.errors : null} onDraft={setDraft} />
        <TextInput
          label="Title"
          placeholder="as the type says"
          maxLength={200}
          value={draft.title}
          onChange={(event) => setDraft({ ...draft, title: event.currentTarget.value })}
        />
      </div>
      <section className="panelform__preview" aria-label="Preview">
        <span className="field__label">Preview</span>
        {read.panel === null ? (
          <p className="panelform__none ink-3">{[...read.errors.values()][0]}</p>
        ) : (
          <TimeFrame key={draft.kind} sources={sourcesOf([read.panel])} usual={usual}>
            <div inert>
              <PanelView panel={read.panel} />
            </div>
          </TimeFrame>
        )}
      </section>
      <div className="panelform__go">
        <button type="button" className="btn" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" className="btn btn--primary">
          {panel === null ? 'Add to the board' : 'Apply'}
        </button>
      </div>
    </form>
  )
}
