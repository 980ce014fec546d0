import type { SignInLink } from '@telltale/api/contract'
import { CopyButton } from '../ui/copy.tsx'
import { focusOnMount } from '../ui/focus.ts'
import { formatExact } from '../ui/format.ts'

/** The link is in the memory of this page only; closing forgets it on purpose. */
export function LinkShown({ username, link }: { username: string; link: SignInLink }) {
  const address = `${window.location.origin}${link.path}`
  return (
    <div className="shownlink" tabIndex={-1} ref={focusOnMount}>
      <p className="ink-2">
        This link signs {username} in once, until {formatExact(Date.parse(link.expiresAt))}. There they choose
        a password that nobody else knows. Send it where only they read it: whoever opens it first is in.
      </p>
      <div className="secret">
        <code data-testid="sign-in-link">{address}</code>
        <CopyButton text={address} label="Copy the sign-in link">
          Copy
        </CopyButton>
      </div>
      <p className="ink-3">It is shown once. Lost it? Reset the sign-in of {username} for a new one.</p>
    </div>
  )
}
