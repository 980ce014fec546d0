import './wait.css'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Device, Latest } from '@telltale/api/contract'
import { useRef } from 'react'
import { latestOf } from '../devices/devices.ts'
import { formatClock, formatDuration } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { useNow, useWatch } from '../use-live.ts'
import { type Heard, useHeard } from './heard.ts'
import { telemetryTopic } from './snippets.ts'
import { useTrouble, withTrouble } from './troubles.ts'

const fallbackPollMs = 4_000
const hintAfterMs = 30_000

export function WaitPanel({ device }: { device: Device }) {
  useWatch([device.id])
  const { heard, openedAt, firstReading } = useHeard(device)
  // The stream tells first; asking now and then covers a message that came before it was open.
  const latest = useQuery({
    ...latestOf([device.id]),
    staleTime: 0,
    refetchInterval: firstReading === null ? fallbackPollMs : false,
  })
  const values = firstReading ?? valuesOf(latest.data?.items[0])
  const waiting = values === null
  const trouble = useTrouble(device, { waiting, heard: heard.length > 0 })
  const all = withTrouble(heard, trouble)
  const now = useNow()
  const panel = useRef<HTMLElement>(null)
  return (
    <>
      <aside className="panel wait" ref={panel} aria-live="polite" aria-label="What the broker hears">
        {values === null ? <Waiting deviceId={device.id} /> : <Received device={device} values={values} />}
        <div className="heard">
          <div className="heard__head">
            <span>What the broker hears</span>
            <span aria-live="off">{values === null ? formatDuration(now - openedAt) : ''}</span>
          </div>
          <HeardList heard={all} waiting={waiting} late={now - openedAt > hintAfterMs} />
        </div>
      </aside>
      <WaitBar
        device={device}
        waitedMs={waiting ? now - openedAt : null}
        trouble={all[0]?.kind === 'problem' ? all[0].title : null}
        onAsk={() => panel.current?.scrollIntoView()}
      />
    </>
  )
}

type WaitBarProps = {
  device: Device
  waitedMs: number | null
  /** The newest news, when it is a bad one. */
  trouble: string | null
  onAsk: () => void
}

/** On a phone the panel is below the fold; the news must not be. */
function WaitBar({ device, waitedMs, trouble, onAsk }: WaitBarProps) {
  if (waitedMs === null) {
    return (
      <Link className="waitbar only-phone" to="/devices/$deviceId" params={{ deviceId: device.id }}>
        <Lamp shape="done" />
        <span className="strong cut">{device.id} is talking</span>
        <span className="waitbar__go">Open</span>
      </Link>
    )
  }
  if (trouble !== null) {
    return (
      <button type="button" className="waitbar waitbar--warn only-phone" onClick={onAsk}>
        <Lamp shape="fail" tone="warn" />
        <span>{trouble}</span>
        <span className="waitbar__go">Why</span>
      </button>
    )
  }
  return (
    <div className="waitbar only-phone">
      <Lamp shape="busy" />
      <span className="strong">Waiting for the first message</span>
      <time>{formatDuration(waitedMs)}</time>
    </div>
  )
}

type Values = Record<string, Latest['values'][string]['value']>

function valuesOf(latest: Latest | undefined): Values | null {
  const entries = Object.entries(latest?.values ?? {})
  return entries.length === 0
    ? null
    : Object.fromEntries(entries.map(([metric, { value }]) => [metric, value]))
}

function Waiting({ deviceId }: { deviceId: string }) {
  return (
    <div>
      <div className="wait__lamp">
        <svg className="biglamp" viewBox="0 0 92 92" aria-hidden="true">
          <circle className="biglamp__bezel" cx="46" cy="46" r="37.5" />
          <path className="biglamp__sweep" d="M46 8.5A37.5 37.5 0 0 1 83.5 46" />
          <circle className="biglamp__glass" cx="46" cy="46" r="22" />
        </svg>
      </div>
      <h2 className="wait__title">Waiting for the first message</h2>
      <p className="wait__sub">
        Listening on <span className="mono">{telemetryTopic(deviceId)}</span>
      </p>
    </div>
  )
}

function Received({ device, values }: { device: Device; values: Values }) {
  return (
    <div>
      <div className="wait__lamp">
        <svg className="biglamp biglamp--lit" viewBox="0 0 92 92" aria-hidden="true">
          <circle className="biglamp__halo" cx="46" cy="46" r="46" />
          <circle className="biglamp__bezel" cx="46" cy="46" r="37.5" />
          <circle className="biglamp__glass" cx="46" cy="46" r="22" />
          <path className="biglamp__check" d="m36.5 46.5 6.5 6.5 12.5-13.5" />
        </svg>
      </div>
      <h2 className="wait__title">{device.id} is talking</h2>
      <p className="wait__sub">Its first message is stored.</p>
      <div className="wait__message">
        <div className="payload" data-testid="first-message">
          {JSON.stringify(values)}
        </div>
        <Link
          className="btn btn--primary btn--lg btn--block"
          to="/devices/$deviceId"
          params={{ deviceId: device.id }}
        >
          Open device
        </Link>
      </div>
    </div>
  )
}

type HeardListProps = { heard: readonly Heard[]; waiting: boolean; late: boolean }

function HeardList({ heard, waiting, late }: HeardListProps) {
  return (
    <ol>
      {heard.map((item, index) => (
        <HeardItem key={item.key} item={item} newest={waiting && index === 0} />
      ))}
      {waiting && heard.length === 0 && (
        <li className="heard__item heard__item--none">
          <p>Nothing from this device yet.</p>
          {late && (
            <p>
              Check that the host answers from where the device is, that the user name is the id, that the
              password is the secret of step 2, and that the client speaks MQTT 3.1.1, not 5.
            </p>
          )}
        </li>
      )}
    </ol>
  )
}

/** Only the newest connection is still being waited on; the ones before it are history. */
function HeardItem({ item, newest }: { item: Heard; newest: boolean }) {
  const now = newest && item.kind === 'connected'
  const bad = newest && item.kind === 'problem'
  return (
    <li className={`heard__item ${now ? 'heard__item--now' : ''} ${bad ? 'heard__item--bad' : ''}`}>
      {now ? <Lamp shape="busy" /> : <Lamp shape={item.shape} tone={item.tone} />}
      <span className="strong">{now ? 'Connected, nothing published yet' : item.title}</span>
      <time>{formatClock(item.at)}</time>
      <p>{item.detail}</p>
    </li>
  )
}
