import type { SystemNow } from '@telltale/api/contract'
import { formatDuration } from '../ui/format.ts'
import type { StorageReport } from './health.ts'
import { Fact, Panel } from './panel.tsx'
import { serverWords } from './words.ts'

type VersionsProps = { system: SystemNow; storage: StorageReport | undefined; now: number }

/** Of every part, for whoever reports a fault. */
export function Versions({ system: { api, brokers }, storage, now }: VersionsProps) {
  const nodes = new Set([api.nodeVersion, ...brokers.flatMap(({ nodeVersion }) => nodeVersion ?? [])])
  const libraries = new Set(brokers.flatMap(({ aedesVersion }) => aedesVersion ?? []))
  return (
    <Panel title="Versions" note={`API up ${formatDuration(now - api.startedAt)}`}>
      <div className="panel__body">
        <dl className="facts">
          <Fact name="Telltale">{api.version}</Fact>
          <Fact name="Node.js">{list(nodes)}</Fact>
          <Fact name="aedes, the MQTT library">{list(libraries)}</Fact>
          <Fact name="Database" title={storage?.serverVersion ?? ''}>
            {storage === undefined ? 'not known' : serverWords(storage.serverVersion)}
          </Fact>
          <Fact name="TimescaleDB">{storage?.extensionVersion ?? 'not used'}</Fact>
        </dl>
      </div>
    </Panel>
  )
}

/** `v20.20.2` reads 20.20.2; after an update of one part there may be two. */
function list(versions: ReadonlySet<string>): string {
  return versions.size === 0
    ? 'not known'
    : [...versions].map((version) => version.replace(/^v/, '')).join(', ')
}
