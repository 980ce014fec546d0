import { formatCount, formatDuration, formatMoment } from '../ui/format.ts'
import type { StorageReport } from './health.ts'
import { Fact, Panel } from './panel.tsx'
import { formatBytes, formatDayAndMinute, formatRatio, formatShare } from './words.ts'

type StorageProps = { storage: StorageReport; now: number; isLast: boolean }

export function Storage({ storage, now, isLast }: StorageProps) {
  const { extensionVersion, compression } = storage
  const isPlain = storage.engine === 'plain'
  return (
    <Panel title="Storage" note={isLast ? 'before the database went away' : 'at most a minute old'}>
      <div className="panel__body">
        <Sizes storage={storage} />
        {compression !== null && <Compression compression={compression} />}
        <dl className="facts">
          <Fact name="Oldest reading">
            {storage.oldestReading === null ? 'none yet' : formatDayAndMinute(storage.oldestReading, now)}
          </Fact>
          <Fact name="Newest reading">
            {storage.newestReading === null ? 'none yet' : formatMoment(storage.newestReading, now)}
          </Fact>
          <Fact name="History">{historyWords(storage)}</Fact>
          <Fact name="Engine">
            {isPlain ? 'PostgreSQL, weekly partitions' : `TimescaleDB ${extensionVersion ?? ''}`}
          </Fact>
          {isPlain && (
            <>
              <Fact name="Compression">none with this engine</Fact>
              <Fact name="Background jobs">done by the broker</Fact>
            </>
          )}
        </dl>
      </div>
    </Panel>
  )
}

function historyWords({ oldestReading, newestReading }: StorageReport): string {
  if (oldestReading === null || newestReading === null) return 'none yet'
  return formatDuration(newestReading - oldestReading)
}

function Sizes({ storage: { databaseBytes, bytes } }: { storage: StorageReport }) {
  const parts = [
    { name: 'Readings', bytes: bytes.readings, color: 'readings' },
    { name: 'Rollups', bytes: bytes.rollups, color: 'rollups' },
    // Measured one after the other: the parts may be a little more than the whole.
    {
      name: 'Devices, commands, the rest',
      bytes: Math.max(0, databaseBytes - bytes.readings - bytes.rollups),
      color: 'rest',
    },
  ]
  const whole = parts.reduce((sum, part) => sum + part.bytes, 0)
  return (
    <div className="sizes">
      <div className="meter" aria-hidden="true">
        {parts.map((part) => (
          <i
            key={part.name}
            className={`meter__part is-${part.color}`}
            style={{ flexGrow: part.bytes / (whole || 1) }}
          />
        ))}
      </div>
      <ul className="sizes__list">
        {parts.map((part) => (
          <li key={part.name} className="sizes__row">
            <i className={`sizes__key is-${part.color}`} aria-hidden="true" />
            <span className="cut">{part.name}</span>
            <b>{formatBytes(part.bytes)}</b>
            <span className="ink-3">{formatShare(part.bytes, whole)}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}

function Compression({ compression }: { compression: NonNullable<StorageReport['compression']> }) {
  const { beforeBytes, afterBytes, ratio, chunks, chunksCompressed } = compression
  return (
    <section className="compression" aria-label="Compression">
      {ratio !== null && (
        <dl className="compression__pair">
          <div className="compression__row">
            <dt className="compression__name">Readings as rows</dt>
            <dd className="compression__size">
              <i className="compression__bar" aria-hidden="true" />
              <b>{formatBytes(beforeBytes)}</b>
            </dd>
          </div>
          <div className="compression__row">
            <dt className="compression__name">Compressed</dt>
            <dd className="compression__size">
              <i
                className="compression__bar compression__bar--after"
                aria-hidden="true"
                style={{ width: `${Math.min(100, 100 / ratio)}%` }}
              />
              <b>{formatBytes(afterBytes)}</b>
            </dd>
          </div>
        </dl>
      )}
      <p className="ink-3">
        {ratio === null
          ? 'Nothing is compressed yet: readings are, when they are a day old.'
          : `${formatRatio(ratio)} times smaller. ${formatCount(chunksCompressed)} of ${formatCount(chunks)} chunks are compressed, the newest stay as rows for a day.`}
      </p>
    </section>
  )
}
