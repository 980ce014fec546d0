import '../users/users.css'
import './settings.css'
import { useQuery } from '@tanstack/react-query'
import { useId } from 'react'
import { WaitingPanel } from '../enrolments/waiting-panel.tsx'
import { useMay } from '../session/session.ts'
import { TopBar } from '../shell/top-bar.tsx'
import { CopyButton } from '../ui/copy.tsx'
import { unknown } from '../ui/format.ts'
import { Failure, SkeletonLines } from '../ui/states.tsx'
import { AdminsOnly } from '../users/admins-only.tsx'
import { currentSettings } from './settings.ts'
import { type Fact, toFacts } from './words.ts'

export function SettingsPage() {
  const may = useMay('admin')
  return (
    <>
      <title>Enrolment, retention · Telltale</title>
      <TopBar>
        <h1 className="top__title">Enrolment, retention</h1>
      </TopBar>
      <div className="page">
        <div className="peoplehead">
          <p className="ink-2">
            What this installation runs with. Settings are variables of the programs: to change one, set the
            variable named beside it where they are started, and start them again.
          </p>
        </div>
        {may ? (
          <Panels />
        ) : (
          <AdminsOnly title="Only an administrator sees the settings">
            They say how devices get in and how long readings are kept.
          </AdminsOnly>
        )}
      </div>
    </>
  )
}

function Panels() {
  const settings = useQuery(currentSettings)
  if (settings.data === undefined) {
    return settings.isError ? (
      <Failure
        what="Could not load the settings"
        error={settings.error}
        onRetry={() => void settings.refetch()}
      />
    ) : (
      <SkeletonLines lines={5} heightPx={64} />
    )
  }
  const { enrolment, readings, database } = toFacts(settings.data)
  return (
    <>
      <Panel title="Enrolment" facts={enrolment} />
      <WaitingPanel />
      <Panel title="Readings" facts={readings} />
      <Panel title="Storage" facts={database} />
    </>
  )
}

function Panel({ title, facts }: { title: string; facts: readonly Fact[] }) {
  const head = useId()
  return (
    <section className="panel settingspanel" aria-labelledby={head}>
      <div className="panel__head">
        <h2 className="panel__title" id={head}>
          {title}
        </h2>
      </div>
      <dl>
        {facts.map((fact) => (
          <Row key={fact.variable} fact={fact} />
        ))}
      </dl>
    </section>
  )
}

function Row({ fact: { label, variable, values, meaning } }: { fact: Fact }) {
  const differ = values.length > 1
  return (
    <div className="settingrow">
      <dt>{label}</dt>
      <dd className="settingrow__value">
        {values.length === 0 && <b>{unknown}</b>}
        {values.map(({ value, brokers }) => (
          <b key={value}>
            {value}
            {differ && <span className="ink-warn"> at {brokers.join(', ')}</span>}
          </b>
        ))}
        {values.length === 0 ? (
          <p>No broker runs that has told its settings.</p>
        ) : (
          <p>{differ ? 'Brokers differ: give them all the same.' : meaning}</p>
        )}
      </dd>
      <dd className="settingrow__variable">
        <span className="mono">{variable}</span>
        <CopyButton text={variable} label={`Copy ${variable}`} />
      </dd>
    </div>
  )
}
