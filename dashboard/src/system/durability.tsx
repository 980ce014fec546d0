import { Lamp } from '../ui/lamp.tsx'
import type { DurabilitySetting } from './health.ts'
import { Fact, Panel } from './panel.tsx'

export function Durability({ durability: settings }: { durability: DurabilitySetting[] }) {
  const unsafe = settings.filter(({ holds }) => !holds)
  return (
    <Panel title="Durability">
      <div className="panel__body">
        {unsafe.length > 0 && <Warning unsafe={unsafe} />}
        <dl className="facts">
          {settings.map((setting) => (
            <Fact
              key={setting.name}
              title={setting.means}
              name={
                <>
                  <Lamp shape={lampOf(setting)} />
                  {setting.name}
                </>
              }
            >
              <span className={setting.holds ? 'ink-2' : 'ink-bad'}>{setting.value || 'unknown'}</span>
            </Fact>
          ))}
        </dl>
        {/* What is usual needs no words; where the commit is another than usual it is worth a sentence. */}
        {settings.filter(isWorthWords).map(({ name, means }) => (
          <p key={name} className="system__hint">
            {means}
          </p>
        ))}
        {unsafe.length === 0 && (
          <p className="system__hint">
            An acknowledged reading is on disk: a crash or a power cut loses none.
          </p>
        )}
      </div>
    </Panel>
  )
}

function isWorthWords({ holds, value }: DurabilitySetting): boolean {
  return holds && value !== 'on'
}

function lampOf({ holds, isUnusual }: DurabilitySetting) {
  if (!holds) return 'fail'
  return isUnusual ? 'silent' : 'done'
}

function Warning({ unsafe }: { unsafe: DurabilitySetting[] }) {
  return (
    <div className="system__warning">
      <p className="strong">Acknowledged readings can be lost</p>
      <ul>
        {unsafe.map(({ name, value, means }) => (
          <li key={name}>
            {name} is {value || 'unknown'}: {means}
          </li>
        ))}
      </ul>
      <p>Set it to “on” in postgresql.conf and reload the server.</p>
    </div>
  )
}
