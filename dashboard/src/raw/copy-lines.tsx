import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'
import { copyText } from '../ui/clipboard.ts'

type CopyLinesProps = { count: number; lines: () => string }

/** The text is put together when it is asked for: megabytes are not joined at every redraw. */
export function CopyLines({ count, lines }: CopyLinesProps) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), 1_500)
    return () => clearTimeout(timer)
  }, [copied])
  const Icon = copied ? Check : Copy
  return (
    <button
      type="button"
      className="btn"
      disabled={count === 0}
      title="Copy what is shown, one JSON line per message"
      onClick={() => void copyText(lines()).then(setCopied)}
    >
      <Icon className="i" aria-hidden="true" />
      {copied ? 'Copied' : 'Copy'}
    </button>
  )
}
