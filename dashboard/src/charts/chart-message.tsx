import { ApiError } from '../api.ts'
import { formatDuration } from '../ui/format.ts'
import type { SeriesLook } from './looks.ts'
import { usePlot } from './plot-context.ts'
import { useFrame } from './time-frame.tsx'

/** Over the axes of a chart that has nothing to draw: what failed, or that there is nothing. */
export function ChartMessage({ looks }: { looks: readonly SeriesLook[] }) {
  const { answers } = useFrame()
  const { drawing } = usePlot()
  if (drawing.lines.some(({ rows }) => rows.length > 0)) return null
  const asked = looks.map(({ deviceId }) => answers.get(deviceId))
  const failed = asked.find((answer) => answer?.isError)
  if (failed?.error != null) {
    const problem = failed.error instanceof ApiError ? failed.error.problem : null
    return (
      <div className="chart__message" role="alert">
        <b>Could not load the readings</b>
        {problem !== null && problem.requestId !== '' && <small>request {problem.requestId}</small>}
        <button type="button" className="btn btn--sm" onClick={() => void failed.refetch()}>
          Try again
        </button>
      </div>
    )
  }
  // On their way: axes first, then the data.
  if (asked.some((answer) => answer?.data === undefined)) return null
  const { from, to } = drawing.stretch
  return (
    <div className="chart__message">
      <b>No readings in this {formatDuration(to - from)}</b>
    </div>
  )
}
