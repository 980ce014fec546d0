import { type PanelKind, panelKinds } from './panels.ts'

const kinds = Object.keys(panelKinds) as PanelKind[]

export function KindChoice({ kind, onKind }: { kind: PanelKind; onKind: (kind: PanelKind) => void }) {
  return (
    <fieldset className="kinds">
      <legend className="field__label">Kind</legend>
      {kinds.map((one) => {
        const { label, note, Icon } = panelKinds[one]
        return (
          <label key={one} className={one === kind ? 'kind is-active' : 'kind'}>
            <input
              type="radio"
              name="kind"
              className="vh"
              value={one}
              checked={one === kind}
              onChange={() => onKind(one)}
            />
            <Icon className="i" aria-hidden="true" />
            <span className="kind__words">
              <span className="strong">{label}</span>
              <span className="ink-3">{note}</span>
            </span>
          </label>
        )
      })}
    </fieldset>
  )
}
