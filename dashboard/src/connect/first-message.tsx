import { useState } from 'react'
import { useSession } from '../session/session.ts'
import { CopyButton } from '../ui/copy.tsx'
import { highlight, snippets, telemetryTopic } from './snippets.ts'

type FirstMessageProps = { deviceId: string; secret: string }

export function FirstMessage({ deviceId, secret }: FirstMessageProps) {
  const { host, port } = useSession().mqtt
  const settings: [name: string, value: string][] = [
    ['Host', host],
    ['Port', String(port)],
    ['User name', deviceId],
    ['Version', 'MQTT 3.1.1'],
    ['Topic', telemetryTopic(deviceId)],
  ]
  return (
    <>
      <Snippets connection={{ host, port, deviceId, secret }} />
      <p className="ink-3">Another client? These are all it needs, with the secret as its password.</p>
      <dl className="settings">
        {settings.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="mono">{value}</dd>
            <dd>
              <CopyButton text={value} label={`Copy ${name.toLowerCase()}`} />
            </dd>
          </div>
        ))}
      </dl>
    </>
  )
}

function Snippets({ connection }: { connection: Parameters<typeof snippets>[0] }) {
  const all = snippets(connection)
  const [chosen, choose] = useState(0)
  const snippet = all[chosen] ?? all[0]
  if (snippet === undefined) return null
  return (
    <div className="snip">
      <div className="snip__tabs">
        <div role="tablist" aria-label="Language" className="snip__list">
          {all.map(({ label }, index) => (
            <button
              key={label}
              type="button"
              role="tab"
              id={`snippet-tab-${index}`}
              aria-selected={index === chosen}
              aria-controls="snippet"
              onClick={() => choose(index)}
            >
              {label}
            </button>
          ))}
        </div>
        <CopyButton text={snippet.text} label={`Copy the ${snippet.label} lines`}>
          Copy
        </CopyButton>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways, so the keyboard must reach it */}
      <pre id="snippet" role="tabpanel" aria-labelledby={`snippet-tab-${chosen}`} tabIndex={0}>
        {highlight(snippet.text).map((piece, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text, in its order
          <span key={index} className={`code-${piece.kind}`}>
            {piece.text}
          </span>
        ))}
      </pre>
    </div>
  )
}
