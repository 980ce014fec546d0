import { Link } from '@tanstack/react-router'
import type { Panel } from '@telltale/api/contract'
import type { ReactNode } from 'react'
import { Failure, Late, Quietbox } from '../ui/states.tsx'
import type { useBoardDevice } from './boards.ts'

type PanelFrameProps = {
  panel: Panel
  title: string
  /** Whose it is: links to the device. */
  deviceId?: string | undefined
  deviceName?: string | undefined
  age?: ReactNode
  isStale?: boolean
  children: ReactNode
}

export function PanelFrame(props: PanelFrameProps) {
  const { panel, title, deviceId, deviceName, age, isStale = false, children } = props
  return (
    <section
      className={`panel bpanel bpanel--${panel.kind} bpanel--${panel.height} ${isStale ? 'is-stale' : ''}`}
      aria-label={title}
    >
      <header className="bpanel__head">
        <h2 className="bpanel__title cut" title={title}>
          <bdi>{title}</bdi>
        </h2>
        {deviceId !== undefined && deviceName !== undefined && deviceName !== title && (
          <Link className="bpanel__device cut" to="/devices/$deviceId" params={{ deviceId }}>
            <bdi>{deviceName}</bdi>
          </Link>
        )}
        {age !== undefined && <span className="bpanel__age num">{age}</span>}
      </header>
      {children}
    </section>
  )
}

type OfDeviceProps = {
  of: ReturnType<typeof useBoardDevice>
  deviceId: string
  /** What it would show, for the words of a failure. */
  what: string
  children: ReactNode
}

/** The states that every panel of one device has in common; what is below is drawn when there is a device. */
export function OfDevice({ of, deviceId, what, children }: OfDeviceProps) {
  if (of.isGone) return <GoneDevice deviceId={deviceId} />
  const failed = of.query.data === undefined && of.query.isError ? of.query : of.latest
  if (failed.data === undefined && failed.isError)
    return (
      <Failure what={`Could not load ${what}`} error={failed.error} onRetry={() => void failed.refetch()} />
    )
  if (of.isLoading) {
    return (
      <Late>
        <span className="skel bpanel__skel" role="status" aria-label="Loading" />
      </Late>
    )
  }
  return children
}

export function GoneDevice({ deviceId }: { deviceId: string }) {
  return (
    <Quietbox title={`There is no device ${deviceId}`}>
      <span>It was deleted, or its id was written differently.</span>
    </Quietbox>
  )
}
