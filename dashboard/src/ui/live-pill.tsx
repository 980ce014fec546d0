import './live-pill.css'
import { formatAge } from './format.ts'
import { Lamp } from './lamp.tsx'

type LivePillProps = {
  phase: 'connecting' | 'live' | 'catching-up' | 'reconnecting' | 'offline'
  /** Age of the newest event; null before the first. */
  ageMs: number | null
  retryInMs: number | null
  onPress: () => void
}

/** Is this screen live? The words are announced when the phase changes, not at every tick. */
export function LivePill(props: LivePillProps) {
  const { phase, onPress } = props
  if (phase === 'reconnecting' || phase === 'offline') {
    return (
      <button
        type="button"
        className={`livepill ${phase === 'offline' ? 'livepill--bad' : 'livepill--warn'}`}
        onClick={onPress}
        title="Try now"
        // A status inside is no part of the button's name.
        aria-label={phase === 'offline' ? 'Offline, try now' : 'Reconnecting, try now'}
      >
        <PillFace {...props} />
      </button>
    )
  }
  return (
    <span className={`livepill ${phase === 'catching-up' ? 'livepill--on' : ''}`}>
      <PillFace {...props} />
    </span>
  )
}

function PillFace({ phase, ageMs, retryInMs }: LivePillProps) {
  switch (phase) {
    case 'live':
      return (
        <>
          <Lamp shape="online" tone="on" />
          <span role="status">Live</span>
          <span className="ink-3 not-phone">{ageMs === null ? '' : formatAge(ageMs)}</span>
        </>
      )
    case 'connecting':
      return (
        <>
          <Lamp shape="busy" />
          <span role="status">Connecting</span>
        </>
      )
    case 'catching-up':
      return (
        <>
          <Lamp shape="busy" />
          <span role="status">Catching up</span>
        </>
      )
    case 'reconnecting':
      return (
        <>
          <Lamp shape="silent" />
          <span role="status">Reconnecting</span>
          <span>{retryInMs !== null && retryInMs > 0 ? `in ${Math.ceil(retryInMs / 1_000)} s` : 'now'}</span>
        </>
      )
    case 'offline':
      return (
        <>
          <Lamp shape="offline" />
          <span role="status">Offline</span>
          <span>{ageMs === null ? '' : `${formatAge(ageMs)} old`}</span>
        </>
      )
  }
}
