import type { ReactNode } from 'react'
import { formatCount, formatDuration } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { levelName, type Rollup, rollupState, type StorageReport } from './health.ts'
import { Fact, Panel } from './panel.tsx'
import { formatDayAndMinute, formatMinute } from './words.ts'

type RollupsProps = { storage: StorageReport; now: number }

export function Rollups({ storage, now }: RollupsProps) {
  const isBehind = storage.rollups.some((rollup) => stateOf(rollup, storage, now).kind === 'behind')
  return (
    <Panel title="Rollups">
      <div className="panel__body">
        <dl className="facts">
          {storage.rollups.map((rollup) => (
            <Level key={rollup.level} rollup={rollup} storage={storage} now={now} />
          ))}
          <Fact name="Late readings waiting">{lateWords(storage.lateRanges)}</Fact>
        </dl>
        <p className="system__hint">
          {isBehind
            ? 'Charts stay right meanwhile: where rollups are missing they read the readings themselves, which takes longer.'
            : 'Rollups stay ten minutes behind on purpose, so that readings which come a little late are in them. An hour or a day is added when it is over.'}
        </p>
      </div>
    </Panel>
  )
}

function stateOf(rollup: Rollup, { oldestReading }: StorageReport, now: number) {
  return rollupState(rollup, { now, oldestReading })
}

function lateWords(ranges: number): string {
  if (ranges === 0) return 'none'
  return `${formatCount(ranges)} ${ranges === 1 ? 'range' : 'ranges'}`
}

function Level({ rollup, storage, now }: RollupsProps & { rollup: Rollup }) {
  const state = stateOf(rollup, storage, now)
  const until = untilWords(rollup, now)
  switch (state.kind) {
    case 'waiting':
      return (
        <Fact name={<Named lamp={<Lamp shape="never" />} level={rollup.level} />}>
          <span className="ink-2">{rollup.doneUntil === null ? 'begins within ten minutes' : until}</span>
        </Fact>
      )
    case 'on-time':
      return (
        <Fact name={<Named lamp={<Lamp shape="done" />} level={rollup.level} />}>
          {until}
          <span className="system__aside">, on time</span>
        </Fact>
      )
    case 'behind':
      return (
        <Fact name={<Named lamp={<Lamp shape="silent" />} level={rollup.level} />}>
          {until}, <span className="ink-warn">{formatDuration(state.byMs)} behind</span>
        </Fact>
      )
  }
}

function untilWords({ level, doneUntil }: Rollup, now: number): string {
  if (doneUntil === null) return 'nothing yet'
  return `up to ${level === '1d' ? formatDayAndMinute(doneUntil, now) : formatMinute(doneUntil, now)}`
}

function Named({ lamp, level }: { lamp: ReactNode; level: string }) {
  return (
    <>
      {lamp}
      {levelName(level)}
    </>
  )
}
