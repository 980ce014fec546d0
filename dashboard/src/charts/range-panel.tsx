import '@mantine/dates/styles.css'
import { DatePicker } from '@mantine/dates'
import { ChevronLeft, ChevronRight } from 'lucide-react'
import { type FormEvent, type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import { fromWall, toWall } from '../ui/wall-time.ts'
import { shownTimeZone, type Zone, zoneWords } from '../ui/zone.ts'
import { windows } from './range-words.ts'
import { formatWindow, type TimeRange } from './time-range.ts'
import {
  type ReadRange,
  readTime,
  readTypedRange,
  type TimeContext,
  type TypedRange,
  writeTime,
} from './typed-time.ts'

const day = 86_400_000

type RangePanelProps = { zone: Zone; range: TimeRange; now: number; onApply: (range: TimeRange) => void }

/** Left what stays live, right what stands still. */
export function RangePanel({ zone, range, now: openedAt, onApply }: RangePanelProps) {
  // What stands in the fields must not be read against another time at every render.
  const [now] = useState(openedAt)
  const context = { now, timeZone: shownTimeZone(zone) }
  const [typed, setTyped] = useState(() => textsOf(range, context))
  const [refusal, setRefusal] = useState<Refusal>({})
  const form = useRef<HTMLFormElement>(null)
  const change = (texts: TypedRange) => {
    setTyped(texts)
    setRefusal({})
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const read: ReadRange = readTypedRange(typed, { ...context, now })
    if (read.ok) return onApply(read.range)
    setRefusal(read)
    form.current?.querySelector<HTMLElement>(`[name=${read.from === undefined ? 'to' : 'from'}]`)?.focus()
  }
  const from = readTime(typed.from, context)
  return (
    <div className="rangepanel">
      <LiveWindows range={range} onApply={onApply} />
      <form ref={form} className="rangepanel__fixed" noValidate onSubmit={submit}>
        <MonthOf typed={typed} context={context} onPick={change} />
        <div className="rangepanel__fields">
          <TimeField
            name="from"
            label="From"
            text={typed.from}
            refusal={refusal.from}
            onText={(text) => change({ ...typed, from: text })}
          />
          <TimeField
            name="to"
            label="To"
            text={typed.to}
            refusal={refusal.to}
            onText={(text) => change({ ...typed, to: text })}
          />
        </div>
        <div className="rangepanel__foot">
          <span className="ink-3">{zoneWords(zone, from.ok ? from.time : now)}</span>
          <button type="submit" className="btn btn--primary btn--sm">
            Apply
          </button>
        </div>
      </form>
    </div>
  )
}

type Refusal = { from?: string; to?: string }

function textsOf(range: TimeRange, context: TimeContext): TypedRange {
  if (range.kind === 'live') return { from: `now-${formatWindow(range.windowMs)}`, to: 'now' }
  return { from: writeTime(range.from, context), to: writeTime(range.to, context) }
}

function LiveWindows({ range, onApply }: Pick<RangePanelProps, 'range' | 'onApply'>) {
  const list = useRef<HTMLDivElement>(null)
  const heading = useId()
  useEffect(() => {
    const buttons = [...(list.current?.querySelectorAll('button') ?? [])]
    ;(buttons.find((button) => button.ariaPressed === 'true') ?? buttons[0])?.focus()
  }, [])
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is no grid on all browsers
    <div ref={list} className="rangepanel__live" role="group" aria-labelledby={heading} onKeyDown={moveFocus}>
      <span className="rangepanel__head" id={heading}>
        Live, last
      </span>
      {windows.map(({ windowMs, long }) => {
        const isShown = range.kind === 'live' && range.windowMs === windowMs
        return (
          <button
            key={windowMs}
            type="button"
            className={isShown ? 'is-active' : ''}
            aria-pressed={isShown}
            onClick={() => onApply({ kind: 'live', windowMs })}
          >
            {long}
          </button>
        )
      })}
    </div>
  )
}

const steps: Record<string, number> = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }

function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const step = steps[event.key]
  if (step === undefined) return
  event.preventDefault()
  const buttons = [...event.currentTarget.querySelectorAll('button')]
  const index = buttons.indexOf(document.activeElement as HTMLButtonElement)
  buttons[(index + step + buttons.length) % buttons.length]?.focus()
}

type TimeFieldProps = {
  name: 'from' | 'to'
  label: string
  text: string
  refusal: string | undefined
  onText: (text: string) => void
}

function TimeField({ name, label, text, refusal, onText }: TimeFieldProps) {
  const id = useId()
  const words = `${id}-refusal`
  return (
    <div className="field">
      <label className="field__label" htmlFor={id}>
        {label}
      </label>
      <span className={refusal === undefined ? 'input' : 'input is-bad'}>
        <input
          id={id}
          name={name}
          value={text}
          autoComplete="off"
          spellCheck={false}
          aria-invalid={refusal !== undefined}
          aria-describedby={refusal === undefined ? undefined : words}
          onFocus={(event) => event.currentTarget.select()}
          onChange={(event) => onText(event.currentTarget.value)}
        />
      </span>
      {refusal !== undefined && (
        <span className="rangepanel__refusal" id={words} role="alert">
          {refusal}
        </span>
      )}
    </div>
  )
}

type MonthOfProps = { typed: TypedRange; context: TimeContext; onPick: (texts: TypedRange) => void }

/** Days of the zone that is shown: the first press begins a range, the second ends it. */
function MonthOf({ typed, context, onPick }: MonthOfProps) {
  const [begun, setBegun] = useState<string | null>(null)
  const shown = begun === null ? daysOf(typed, context) : ([begun, null] as const)
  const pick = ([first, last]: readonly [string | null, string | null]) => {
    if (first === null) return
    setBegun(last === null ? first : null)
    onPick(textsOfDays(first, last ?? first, context))
  }
  const latest = dayOf(context.now, context.timeZone)
  return (
    <DatePicker
      type="range"
      allowSingleDateInRange
      value={[shown[0], shown[1]]}
      onChange={pick}
      defaultDate={shown[1] ?? latest}
      maxDate={latest}
      maxLevel="decade"
      highlightToday
      fullWidth
      previousIcon={<ChevronLeft className="i" aria-hidden="true" />}
      nextIcon={<ChevronRight className="i" aria-hidden="true" />}
      ariaLabels={{
        ...{ previousMonth: 'Month before', nextMonth: 'Next month', previousYear: 'Year before' },
        ...{ nextYear: 'Next year', previousDecade: 'Decade before', nextDecade: 'Next decade' },
      }}
    />
  )
}

function dayOf(time: number, timeZone: string): string {
  return new Date(toWall(time, timeZone)).toISOString().slice(0, 10)
}

function daysOf(typed: TypedRange, context: TimeContext): readonly [string | null, string | null] {
  const from = readTime(typed.from, context)
  const to = readTime(typed.to, context)
  if (!from.ok || !to.ok || from.time >= to.time) return [null, null]
  return [dayOf(from.time, context.timeZone), dayOf(to.time - 1, context.timeZone)]
}

/** Whole days, up to now when the last one is today. */
function textsOfDays(first: string, last: string, context: TimeContext): TypedRange {
  const midnight = (dayText: string, days: number) =>
    fromWall(Date.parse(dayText) + days * day, context.timeZone)
  const end = midnight(last, 1)
  return {
    from: writeTime(midnight(first, 0), context),
    to: end > context.now ? 'now' : writeTime(end, context),
  }
}
