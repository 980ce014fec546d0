import { Lamp } from '../ui/lamp.tsx'
import { type DurabilitySetting, durabilitySettings, type StorageReport } from './health.ts'
import { Fact, Panel } from './panel.tsx'

export function Durability({ durability }: { durability: StorageReport['durability'] }) {
  const settings = durabilitySettings(durability)
  const unsafe = settings.filter(({ isSafe }) => !isSafe)
  return (
    <Panel title="Durability">
      <div className="panel__body">
        {unsafe.length > 0 && <Warning unsafe={unsafe} />}
        <dl className="facts">
          {settings.map(({ name, value, isSafe }) => (
            <Fact
              key={name}
              name={
                <>
                  <Lamp shape={isSafe ? 'done' : 'fail'} />
                  {name}
                </>
              }
            >
              <span className={isSafe ? 'ink-2' : 'ink-bad'}>{value}</span>
            </Fact>
          ))}
        </dl>
        {unsafe.length === 0 && (
          <p className="system__hint">
            An acknowledged reading is on disk: a crash or a power cut loses none.
          </p>
        )}
      </div>
    </Panel>
  )
}

function Warning({ unsafe }: { unsafe: DurabilitySetting[] }) {
  return (
    <div className="system__warning">
      <p className="strong">Acknowledged readings can be lost</p>
      <ul>
        {unsafe.map(({ name, value, risk }) => (
          <li key={name}>
            {name} is {value}: {risk}.
          </li>
        ))}
      </ul>
      <p>Set it to “on” in postgresql.conf and reload the server.</p>
    </div>
  )
}
