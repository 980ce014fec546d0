import { X } from 'lucide-react'
import { CopyButton } from '../ui/copy.tsx'
import { formatExact } from '../ui/format.ts'
import type { Message } from './tail.ts'
import { formatClockMs, offWords } from './times.ts'

/** One message, whole. */
export function RawDetail({ message, onClose }: { message: Message; onClose: () => void }) {
  const { time, arrivedAt, json } = message
  const off = offWords(time, arrivedAt)
  return (
    <section className="raw__detail" aria-label="The chosen message">
      <div className="raw__facts">
        <span>
          device time <b>{formatExact(time)}</b>
        </span>
        <span>
          {arrivedAt === null ? (
            'it was here before this page listened'
          ) : (
            <>
              arrived <b>{formatClockMs(arrivedAt)}</b>
            </>
          )}
        </span>
        {off !== '' && <span className="ink-warn">by its clock {off}</span>}
        <span className="raw__tools">
          <CopyButton text={json} label="Copy the message" />
          <button
            type="button"
            className="btn btn--sm btn--quiet btn--icon"
            aria-label="Close"
            onClick={onClose}
          >
            <X className="i i--sm" aria-hidden="true" />
          </button>
        </span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <pre className="payload raw__whole" dir="ltr" tabIndex={0}>
        {JSON.stringify(JSON.parse(json), null, 2)}
      </pre>
    </section>
  )
}
