import './range-picker.css'
import { Popover } from '@mantine/core'
import { Calendar } from 'lucide-react'
import { lazy, Suspense, useRef, useState } from 'react'
import { useZone } from '../ui/zone.ts'
import { useLive } from '../use-live.ts'
import { rangeWords } from './range-words.ts'
import { useTimeFrame } from './time-frame.tsx'
import type { TimeRange } from './time-range.ts'

/** The calendar is a third of a first load, and most people never open it. */
const loadPanel = () => import('./range-panel.tsx')
const RangePanel = lazy(async () => ({ default: (await loadPanel()).RangePanel }))

/** Any live window, or a stretch of time that stands still. */
export function RangePicker() {
  const { range, setRange, paused } = useTimeFrame()
  const [opened, setOpened] = useState(false)
  const zone = useZone()
  const live = useLive()
  const words = rangeWords(range, live.serverNow())
  const button = useRef<HTMLButtonElement>(null)
  // The panel comes late and takes the focus itself, so what had it before is for us to know.
  const close = () => {
    setOpened(false)
    button.current?.focus()
  }
  const apply = (chosen: TimeRange) => {
    close()
    setRange(chosen)
  }
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-start" trapFocus>
      <Popover.Target>
        <button
          ref={button}
          type="button"
          className={words === '' ? 'btn btn--icon' : 'btn timebar__range'}
          aria-label={words === '' ? 'Choose a range' : `Range: ${words}`}
          title={words === '' ? 'Choose a range' : words}
          onPointerEnter={() => void loadPanel()}
          onFocus={() => void loadPanel()}
          onClick={() => setOpened((open) => !open)}
        >
          <Calendar className="i" aria-hidden="true" />
          {words !== '' && <span className={paused ? 'cut is-narrowed' : 'cut'}>{words}</span>}
        </button>
      </Popover.Target>
      <Popover.Dropdown className="rangepop" onKeyDown={(event) => event.key === 'Escape' && close()}>
        <Suspense fallback={<div className="rangepanel" role="status" aria-label="Loading the calendar" />}>
          <RangePanel key={zone} zone={zone} range={range} now={live.serverNow()} onApply={apply} />
        </Suspense>
      </Popover.Dropdown>
    </Popover>
  )
}
