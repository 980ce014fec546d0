import { ApiError } from '../api.ts'
import { formatDuration } from '../ui/format.ts'
import { Late } from '../ui/states.tsx'
import type { SeriesLook } from './looks.ts'
import { usePlot } from './plot-context.ts'
import { useFrame } from './time-frame.tsx'

/** Over the axes of a chart: what failed, what is on its way, or that there is nothing. */
export function ChartMessage({ looks }: { looks: readonly SeriesLook[] }) {
  const { answers } = useFrame()
  const { drawing } = usePlot()
  const isDrawn = drawing.lines.some(({ rows }) => rows.length > 0)
  const asked = looks.map(({ deviceId }) => answers.get(deviceId))
  // What is drawn although nothing was answered is of another range.
  const failed = asked.find((answer) => answer?.isError && (!isDrawn || answer.data === undefined))
  if (failed?.error != null) {
    const problem = failed.error instanceof ApiError ? failed.error.problem : null
    return (
      <div className={isDrawn ? 'chart__message chart__message--over' : 'chart__message'} role="alert">
        <b>Could not load the readings</b>
        {problem !== null && problem.requestId !== '' && <small>request {problem.requestId}</small>}
        <button type="button" className="btn btn--sm" onClick={() => void failed.refetch()}>
          Try again
        </button>
      </div>
    )
  }
  if (asked.some((answer) => answer?.data === undefined)) return isDrawn ? <Coming /> : null
  if (isDrawn) return null
  const { from, to } = drawing.stretch
  return (
    <div className="chart__message">
      <b>No readings in this {formatDuration(to - from)}</b>
    </div>
  )
}

/** Axes first, then the data; what is drawn meanwhile is what was known before. */
function Coming() {
  return (
    <Late>
      <div className="chart__message chart__message--over" role="status">
        <span>Loading this range</span>
      </div>
    </Late>
  )
}
