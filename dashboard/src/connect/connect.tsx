import './connect.css'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import type { DeviceCreated } from '@telltale/api/contract'
import { Check, ChevronRight } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { oneDevice } from '../devices/devices.ts'
import { useFleetSummary } from '../fleet/summary.ts'
import { TopBar } from '../shell/top-bar.tsx'
import { Failure, SkeletonLines } from '../ui/states.tsx'
import { FirstMessage } from './first-message.tsx'
import { LostSecret } from './lost-secret.tsx'
import { NameForm } from './name-form.tsx'
import { SecretShown } from './secret.tsx'
import { WaitPanel } from './wait-panel.tsx'

/** The address carries the device, the memory of this page carries the secret; a reload keeps only the first. */
type Held = { deviceId: string; secret: string }

export function Connect() {
  const { device: deviceId } = useSearch({ from: '/shell/connect' })
  const navigate = useNavigate({ from: '/connect' })
  const [held, setHeld] = useState<Held | null>(null)
  const created = (device: DeviceCreated) => {
    setHeld({ deviceId: device.id, secret: device.secret })
    void navigate({ search: { device: device.id } })
  }
  const secret = held !== null && held.deviceId === deviceId ? held.secret : null
  return (
    <>
      <title>Connect a device · Telltale</title>
      <TopBar>
        <span className="crumb not-phone">
          <Link to="/">Fleet</Link>
          <ChevronRight className="i i--sm" aria-hidden="true" />
        </span>
        <span className="top__title top__title--sub">Connect a device</span>
      </TopBar>
      {deviceId === undefined ? (
        <NameStep onCreated={created} />
      ) : (
        <DeviceSteps
          key={deviceId}
          deviceId={deviceId}
          secret={secret}
          onSecret={(newest) => setHeld({ deviceId, secret: newest })}
        />
      )}
    </>
  )
}

function Heading() {
  const total = useFleetSummary().data?.total
  return (
    <>
      <h1>{total !== undefined && total <= 1 ? 'Connect your first device' : 'Connect a device'}</h1>
      <p className="lead">Three steps, about a minute. Anything that speaks MQTT 3.1.1 will do.</p>
    </>
  )
}

function NameStep({ onCreated }: { onCreated: (device: DeviceCreated) => void }) {
  return (
    <div className="quiet">
      <div>
        <Heading />
        <ol className="steps">
          <Step number={1} title="Name" state="now">
            <NameForm onCreated={onCreated} />
          </Step>
          <Step number={2} title="Secret" state="later" />
          <Step number={3} title="First message" state="later" />
        </ol>
      </div>
    </div>
  )
}

type DeviceStepsProps = { deviceId: string; secret: string | null; onSecret: (secret: string) => void }

function DeviceSteps({ deviceId, secret, onSecret }: DeviceStepsProps) {
  const device = useQuery(oneDevice(deviceId))
  if (device.isError && device.data === undefined) {
    return (
      <div className="page">
        <Failure
          what={`Could not load ${deviceId}`}
          error={device.error}
          onRetry={() => void device.refetch()}
        />
      </div>
    )
  }
  if (device.data === undefined) return <SkeletonLines lines={4} />
  return (
    <div className="quiet">
      <div>
        <Heading />
        <StepsOf name={device.data.name} deviceId={deviceId} secret={secret} onSecret={onSecret} />
      </div>
      <WaitPanel device={device.data} />
    </div>
  )
}

function StepsOf({ name, deviceId, secret, onSecret }: DeviceStepsProps & { name: string }) {
  return (
    <ol className="steps">
      <Step number={1} title="Name" state="done" aside={<NameDone name={name} id={deviceId} />} />
      {secret === null ? (
        <Step number={2} title="Secret" state="now">
          <LostSecret deviceId={deviceId} onSecret={onSecret} />
        </Step>
      ) : (
        <Step
          number={2}
          title="Secret"
          state="done"
          aside={<span className="badge badge--warn">shown once</span>}
        >
          <SecretShown deviceId={deviceId} secret={secret} />
        </Step>
      )}
      <Step
        number={3}
        title="First message"
        state={secret === null ? 'later' : 'now'}
        aside={<span className="ink-3 not-phone">paste this into a terminal, or pick your language</span>}
      >
        {secret !== null && <FirstMessage deviceId={deviceId} secret={secret} />}
      </Step>
    </ol>
  )
}

function NameDone({ name, id }: { name: string; id: string }) {
  return (
    <>
      <span className="ink-2 cut">{name}</span>
      <span className="ink-3 cut">{id}</span>
    </>
  )
}

type StepProps = {
  number: number
  title: string
  state: 'done' | 'now' | 'later'
  aside?: ReactNode
  children?: ReactNode
}

function Step({ number, title, state, aside, children }: StepProps) {
  return (
    <li className={`step is-${state}`} aria-current={state === 'now' ? 'step' : undefined}>
      <span className="step__n">
        {state === 'done' ? <Check className="i i--sm" aria-label="done" /> : number}
      </span>
      <div>
        <div className="step__head">
          <h2>{title}</h2>
          {state !== 'later' && aside}
        </div>
        {children && <div className="step__body">{children}</div>}
      </div>
    </li>
  )
}
