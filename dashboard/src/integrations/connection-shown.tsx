import type { IntegrationCreated } from '@telltale/api/contract'
import { telemetryTopic } from '../connect/snippets.ts'
import { useSession } from '../session/session.ts'
import { CopyButton } from '../ui/copy.tsx'
import { focusOnMount } from '../ui/focus.ts'
import { tryLines } from './words.ts'

/** All its program needs. The secret is in the memory of this page only; closing forgets it on purpose. */
export function ConnectionShown({ integration }: { integration: IntegrationCreated }) {
  const { host, port } = useSession().mqtt
  const { username, secret, write } = integration
  return (
    <div className="shownonce" tabIndex={-1} ref={focusOnMount}>
      <dl className="login">
        <Row name="Address" value={`mqtt://${host}:${port}`} label="Copy the address" />
        <Row name="User name" value={username} label="Copy the user name" />
        <Row name="Password" value={secret} label="Copy the password" testId="integration-secret" />
      </dl>
      <p className="ink-3">
        The password is shown once: Telltale keeps only a hash of it. Lost it? Revoke the integration and make
        it again. The protocol is MQTT 3.1.1.
      </p>
      {tryLines({ host, port, username, secret }, integration).map(({ label, text }) => (
        <div key={label} className="tryline">
          <div className="tryline__head">
            <span className="ink-2">Try it with {label}</span>
            <CopyButton text={text} label={`Copy the ${label} line`}>
              Copy
            </CopyButton>
          </div>
          <pre className="payload tryline__text">{text}</pre>
        </div>
      ))}
      {write && (
        <p className="ink-3">
          To send a reading of a device, publish to <span className="mono">{telemetryTopic('{id}')}</span>,
          with its id.
        </p>
      )}
    </div>
  )
}

type RowProps = { name: string; value: string; label: string; testId?: string }

function Row({ name, value, label, testId }: RowProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="mono" data-testid={testId}>
        {value}
      </dd>
      <dd>
        <CopyButton text={value} label={label} />
      </dd>
    </div>
  )
}
