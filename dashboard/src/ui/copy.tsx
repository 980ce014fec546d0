import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'
import { copyText } from './clipboard.ts'

/** A long text is made when it is wanted. */
type CopyProps = { text: string | (() => string); label: string; children?: string }

/** With children a small labelled button, without one an icon; its accessible name is `label` either way. */
export function CopyButton({ text, label, children }: CopyProps) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), 1_500)
    return () => clearTimeout(timer)
  }, [copied])
  const Icon = copied ? Check : Copy
  const shape = children === undefined ? 'btn--quiet btn--icon' : ''
  return (
    <button
      type="button"
      className={`btn btn--sm ${shape}`}
      aria-label={copied ? 'Copied' : label}
      onClick={() => void copyText(typeof text === 'string' ? text : text()).then(setCopied)}
    >
      <Icon className="i i--sm" aria-hidden="true" />
      {children !== undefined && <span>{copied ? 'Copied' : children}</span>}
    </button>
  )
}
