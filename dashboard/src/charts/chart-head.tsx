import { Maximize2, Minimize2 } from 'lucide-react'
import type { MouseEvent, ReactNode } from 'react'
import { formatLook } from '../types/look.ts'
import { formatSpan } from '../ui/format.ts'
import type { DrawnLine } from './draw.ts'
import type { SeriesLook } from './looks.ts'
import { usePlot } from './plot-context.ts'
import type { Expanded } from './use-expanded.ts'

type ChartHeadProps = {
  title: string
  looks: readonly SeriesLook[]
  visible: ReadonlySet<number>
  choose: (index: number, isToggle: boolean) => void
  beyond: number
  actions: ReactNode
  expanded: Expanded
  dock: ReactNode
}

export function ChartHead(props: ChartHeadProps) {
  const { title, looks, beyond, actions, expanded, dock } = props
  const unit = commonUnit(looks)
  const [only] = looks
  return (
    <>
      <div className="chart__head">
        <h2 className="chart__title" title={title}>
          {title}
          {unit !== '' && <span className="chart__unit"> {unit}</span>}
        </h2>
        <Keys isSingle={looks.length === 1} beyond={beyond} />
        {looks.length === 1 && only !== undefined && <Single look={only} />}
        {dock}
        <span className="chart__actions">
          {actions}
          {expanded.toggle !== null && <Expand expanded={expanded} />}
        </span>
      </div>
      {looks.length > 1 && <Legend {...props} hasUnit={unit === ''} />}
    </>
  )
}

function Expand({ expanded: { heightPx, toggle } }: { expanded: Expanded }) {
  const Icon = heightPx === null ? Maximize2 : Minimize2
  const words = heightPx === null ? 'Show on the whole screen' : 'Back to the page'
  return (
    <button
      type="button"
      className="btn btn--quiet btn--icon btn--sm not-phone"
      aria-label={words}
      title={words}
      onClick={toggle ?? undefined}
    >
      <Icon className="i i--sm" aria-hidden="true" />
    </button>
  )
}

/** What a point of a line stands for. */
function Keys({ isSingle, beyond }: { isSingle: boolean; beyond: number }) {
  const { bucketMs, isBanded } = usePlot().drawing
  return (
    <span className="legend chart__keys">
      <span>
        {isSingle && <i className="key s1" />}
        {bucketMs === null ? 'every reading' : `average of ${formatSpan(bucketMs)}`}
      </span>
      {isBanded && (
        <span>
          <i className={isSingle ? 'key key--band s1' : 'key key--band'} />
          min–max
        </span>
      )}
      {beyond > 0 && <span>{beyond} more lines are not drawn</span>}
    </span>
  )
}

function Single({ look }: { look: SeriesLook }) {
  const line = usePlot().drawing.lines[0]
  return line === undefined ? null : <Numbers line={line} look={look} hasUnit={false} />
}

/** One entry alone at a press, all of them at the next; with Ctrl or Shift each by itself. */
function Legend({ title, looks, visible, choose, hasUnit }: ChartHeadProps & { hasUnit: boolean }) {
  const { lines } = usePlot().drawing
  return (
    <fieldset className="legend legend--lines">
      <legend className="vh">Lines of {title}</legend>
      {looks.map((look, index) => {
        const line = lines[index]
        return (
          <button
            key={`${look.deviceId} ${look.metric}`}
            type="button"
            className={visible.has(index) ? 'legend__line' : 'legend__line is-hidden'}
            aria-pressed={visible.has(index)}
            onClick={(event: MouseEvent) => choose(index, event.ctrlKey || event.metaKey || event.shiftKey)}
          >
            <i className={`key s${index + 1}${index >= 4 ? ' is-dashed' : ''}`} />
            <span className="legend__name cut">{look.label}</span>
            {line !== undefined && <Numbers line={line} look={look} hasUnit={hasUnit} />}
          </button>
        )
      })}
    </fieldset>
  )
}

type NumbersProps = { line: DrawnLine; look: SeriesLook; hasUnit: boolean }

/** Of the stretch that is shown. */
function Numbers({ line: { stats }, look: { look }, hasUnit }: NumbersProps) {
  if (stats === null) return <span className="numbers">no readings</span>
  const unit = hasUnit && look.unit !== '' ? ` ${look.unit}` : ''
  const entries = [
    ['last', stats.last],
    ['min', stats.min],
    ['avg', stats.avg],
    ['max', stats.max],
  ] as const
  return (
    <span className="numbers">
      {entries.map(([name, value]) => (
        <span key={name} className="numbers__one">
          {name} <b>{formatLook(value, look)}</b>
          {name === 'last' && unit}
        </span>
      ))}
    </span>
  )
}

/** Said once beside the title where all lines have the same. */
function commonUnit(looks: readonly SeriesLook[]): string {
  const [first] = looks
  const unit = first?.look.unit ?? ''
  return looks.every(({ look }) => look.unit === unit) ? unit : ''
}
