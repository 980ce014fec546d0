import './empty.css'
import { Link } from '@tanstack/react-router'
import { Plug, Plus, Terminal } from 'lucide-react'
import { useMay, useSession } from '../session/session.ts'
import { CopyButton } from '../ui/copy.tsx'
import { NeedsRole } from '../ui/locked.tsx'

const simulate = 'npx pnpm simulate --devices 20'

export function EmptyFleet() {
  const mayConnect = useMay('operator')
  const { mqtt } = useSession()
  const address = `mqtt://${mqtt.host}:${mqtt.port}`
  return (
    <div className="empty">
      <UnlitPanel />
      <h2>Light the first lamp</h2>
      <p className="lead">Connect a device, and its readings appear here within a second of being sent.</p>
      <div className="empty__go">
        {mayConnect ? (
          <Link className="btn btn--primary btn--lg" to="/connect">
            <Plus className="i" aria-hidden="true" />
            Connect your first device
          </Link>
        ) : (
          <NeedsRole needed="operator" />
        )}
      </div>
      <div className="ways">
        <section className="way">
          <h3>
            <Terminal className="i" aria-hidden="true" />
            Try it with a simulated fleet
          </h3>
          <p>Twenty greenhouse sensors that behave like real ones.</p>
          <CopyLine text={simulate} label="Copy the command" />
        </section>
        <section className="way">
          <h3>
            <Plug className="i" aria-hidden="true" />
            Bring what you already run
          </h3>
          <p>Anything that speaks MQTT 3.1.1, at this address.</p>
          <CopyLine text={address} label="Copy the address" />
        </section>
      </div>
    </div>
  )
}

function CopyLine({ text, label }: { text: string; label: string }) {
  return (
    <div className="copyline">
      <code className="cut">{text}</code>
      <CopyButton text={text} label={label} />
    </div>
  )
}

const columns = 21
const rows = 5
const pitchPx = 22

/** A panel of unlit lamps, fading towards the one that could be lit. */
function UnlitPanel() {
  const cells = Array.from({ length: columns * rows }, (_, index) => ({
    index,
    x: 14 + Math.floor(index / rows) * pitchPx,
    y: 14 + (index % rows) * pitchPx,
  }))
  const middle = Math.floor((columns * rows) / 2)
  const centre = cells[middle] ?? { x: 0, y: 0 }
  return (
    <svg className="unlit" width="468" height="116" viewBox="0 0 468 116" aria-hidden="true">
      {cells.map(({ index, x, y }) => {
        const distance = Math.hypot(x - centre.x, (y - centre.y) * 1.6)
        const opacity = Math.max(0.22, 1 - distance / 190)
        return index === middle ? null : <circle key={index} cx={x} cy={y} r="4.5" opacity={opacity} />
      })}
      <circle className="unlit__halo" cx={centre.x} cy={centre.y} r="13" />
      <circle className="unlit__ring" cx={centre.x} cy={centre.y} r="7.6" />
      <circle className="unlit__on" cx={centre.x} cy={centre.y} r="4.5" />
    </svg>
  )
}
