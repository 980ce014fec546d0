import { useQuery } from '@tanstack/react-query'
import { Lamp } from '../ui/lamp.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { useNow } from '../use-live.ts'
import { problemsOf } from './diagnostics.ts'
import { ProblemItem } from './problem-item.tsx'

/** Why it was refused, cut off or slowed down, newest first. */
export function DeviceProblems({ deviceId }: { deviceId: string }) {
  const problems = useQuery(problemsOf(deviceId))
  const now = useNow()
  return (
    <section className="panel" aria-labelledby="problems">
      <div className="panel__head">
        <h2 className="panel__title" id="problems">
          Connection problems
        </h2>
      </div>
      {problems.data === undefined ? (
        problems.isError ? (
          <Failure
            what="Could not load the connection problems"
            error={problems.error}
            onRetry={() => void problems.refetch()}
          />
        ) : (
          <div className="panel__body">
            <SkeletonLines lines={2} />
          </div>
        )
      ) : problems.data.length === 0 ? (
        <Quietbox icon={<Lamp shape="done" />} title="No connection problem is known">
          <span>
            What is refused, cut off or slowed down under this device’s name is kept here for 30 days. An
            attempt that never reached the broker leaves no trace.
          </span>
        </Quietbox>
      ) : (
        <ol className="problems">
          {problems.data.map((problem) => (
            <ProblemItem key={problem.id} problem={problem} now={now} />
          ))}
        </ol>
      )}
    </section>
  )
}
