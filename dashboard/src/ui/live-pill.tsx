import './live-pill.css'
import { formatAge } from './format.ts'
import { Lamp } from './lamp.tsx'

type LivePillProps = {
  phase: 'connecting' | 'live' | 'catching-up' | 'reconnecting' | 'offline'
  /** Events come by polling, because no stream comes through. */
  polling: boolean
  /** It waits because too many streams are open. */
  tooMany: boolean
  /** Age of the newest event; null before the first. */
  ageMs: number | null
  retryInMs: number | null
  onPress: () => void
}

const pollingWhy = 'something between you and the server holds back the stream'

/** Is this screen live? The words are announced when the phase changes, not at every tick. */
export function LivePill(props: LivePillProps) {
  const press = pressOf(props)
  if (press !== null) {
    return (
      <button
        type="button"
        className={`livepill ${press.look}`}
        onClick={props.onPress}
        title={press.title}
        // A status inside is no part of the button's name, and what is seen has to be.
        aria-label={press.name}
      >
        <PillFace {...props} />
      </button>
    )
  }
  return (
    <span className={`livepill ${props.phase === 'catching-up' ? 'livepill--on' : ''}`}>
      <PillFace {...props} />
    </span>
  )
}

/** What a press is for; null where nothing can be hurried. */
function pressOf({ phase, polling, tooMany, ageMs, retryInMs }: LivePillProps) {
  if (phase === 'offline')
    return { look: 'livepill--bad', title: 'Try now', name: `Offline ${oldWords(ageMs)}, try now` }
  if (phase === 'reconnecting') {
    const name = `${reconnectWords(tooMany)} ${retryWords(tooMany, retryInMs)}, try now`
    if (!tooMany) return { look: 'livepill--warn', title: 'Try now', name }
    const title = 'You have as many live streams open as are allowed. Close a tab, then try now.'
    return { look: 'livepill--warn', title, name }
  }
  if (!polling || phase !== 'live') return null
  const title = `Live, by polling: ${pollingWhy}. Values may come a moment later. Press to try the stream again.`
  return { look: 'livepill--calm', title, name: 'Live, by polling, try the stream again' }
}

function PillFace({ phase, polling, tooMany, ageMs, retryInMs }: LivePillProps) {
  switch (phase) {
    case 'live':
      return (
        <>
          <Lamp shape="online" tone="on" />
          {polling ? <PollingWords /> : <span role="status">Live</span>}
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
          <span role="status">{reconnectWords(tooMany)}</span> <span>{retryWords(tooMany, retryInMs)}</span>
        </>
      )
    case 'offline':
      return (
        <>
          <Lamp shape="offline" />
          <span role="status">Offline</span> <span>{oldWords(ageMs)}</span>
        </>
      )
  }
}

function reconnectWords(tooMany: boolean): string {
  return tooMany ? 'Too many open streams' : 'Reconnecting'
}

function retryWords(tooMany: boolean, retryInMs: number | null): string {
  const when = retryInMs !== null && retryInMs > 0 ? `in ${Math.ceil(retryInMs / 1_000)} s` : 'now'
  return tooMany ? `again ${when}` : when
}

function oldWords(ageMs: number | null): string {
  return ageMs === null ? '' : `${formatAge(ageMs)} old`
}

/** The reason is for ears here; eyes find it in the title. */
function PollingWords() {
  return (
    <span role="status">
      Live, by polling<span className="vh">: {pollingWhy}</span>
    </span>
  )
}
