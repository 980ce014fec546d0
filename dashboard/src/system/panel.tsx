import { type ReactNode, useId } from 'react'

type PanelProps = { title: string; note?: ReactNode; children: ReactNode }

/** A panel with its heading; the note stands at the end of the same line. */
export function Panel({ title, note, children }: PanelProps) {
  const id = useId()
  return (
    <section className="panel" aria-labelledby={id}>
      <div className="panel__head">
        <h2 className="panel__title" id={id}>
          {title}
        </h2>
        {note !== undefined && <span className="system__note">{note}</span>}
      </div>
      {children}
    </section>
  )
}

type FactProps = { name: ReactNode; children: ReactNode; title?: string }

/** One line of a `<dl className="facts">`. */
export function Fact({ name, children, title }: FactProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd title={title}>{children}</dd>
    </div>
  )
}
