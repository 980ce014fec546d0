import { formatAge } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import type { StorageReport } from './health.ts'
import { Fact, Panel } from './panel.tsx'
import { jobWords } from './words.ts'

type Job = StorageReport['jobs'][number]

/** TimescaleDB's own; on plain PostgreSQL there are none, the broker does their work. */
export function Jobs({ storage: { jobs }, now }: { storage: StorageReport; now: number }) {
  const failing = jobs.filter(({ ok }) => !ok).length
  if (jobs.length === 0) return null
  return (
    <Panel title="Background jobs" note={failing > 0 ? <Failing count={failing} /> : 'run by TimescaleDB'}>
      <div className="panel__body">
        <dl className="facts jobs">
          {jobs.map((job) => (
            <Fact
              key={job.name}
              title={job.name}
              name={
                <>
                  <Lamp shape={jobLamp(job)} />
                  {jobWords(job.name)}
                </>
              }
            >
              <JobState job={job} now={now} />
            </Fact>
          ))}
        </dl>
        {failing > 0 && (
          <p className="system__hint">
            The broker does this work meanwhile. Why it fails:{' '}
            <span className="mono">SELECT * FROM timescaledb_information.job_errors</span>
          </p>
        )}
      </div>
    </Panel>
  )
}

function Failing({ count }: { count: number }) {
  return <span className="ink-bad">{count === 1 ? '1 job fails' : `${count} jobs fail`}</span>
}

function jobLamp({ ok, lastSuccess }: Job) {
  if (!ok) return 'fail'
  return lastSuccess === null ? 'never' : 'done'
}

function JobState({ job: { ok, lastSuccess }, now }: { job: Job; now: number }) {
  const last = lastSuccess === null ? null : `${formatAge(now - lastSuccess)} ago`
  if (ok) return <span className="system__aside">{last === null ? 'has not run yet' : `done ${last}`}</span>
  return (
    <>
      <span className="ink-bad">failing</span>
      <span className="system__aside">{last === null ? ', never done' : `, last done ${last}`}</span>
    </>
  )
}
