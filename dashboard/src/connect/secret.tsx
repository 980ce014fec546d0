import { Download } from 'lucide-react'
import { CopyButton } from '../ui/copy.tsx'
import { downloadText } from '../ui/download.ts'
import { focusOnMount } from '../ui/focus.ts'

/** The secret lives in the memory of this page only; a reload forgets it on purpose. */
export function SecretShown({ deviceId, secret }: { deviceId: string; secret: string }) {
  return (
    <>
      {/* The button that made it is gone: the focus is on what came instead. */}
      <div className="secret" tabIndex={-1} ref={focusOnMount}>
        <code className="cut" data-testid="secret">
          {secret}
        </code>
        <span className="grow" />
        <CopyButton text={secret} label="Copy the secret">
          Copy
        </CopyButton>
        <button
          type="button"
          className="btn btn--quiet btn--icon btn--sm"
          aria-label="Download the secret as a file"
          onClick={() => downloadText(`${deviceId}.secret.txt`, `${secret}\n`)}
        >
          <Download className="i" aria-hidden="true" />
        </button>
      </div>
      <p className="ink-3">
        Telltale keeps only a hash of it. Lost it? Make a new one any time; two may be active while you switch
        over.
      </p>
    </>
  )
}
