import './zone-menu.css'
import { Menu } from '@mantine/core'
import { Check } from 'lucide-react'
import { formatClock, formatClockShort } from './format.ts'
import { shownTimeZone, useZone, type Zone, zoneName, zoneStore, zoneWords } from './zone.ts'

const zones: readonly Zone[] = ['local', 'utc']

/** What time it is, and in which zone all times here are: a press shows them in the other. */
export function ZoneMenu({ now }: { now: number }) {
  const zone = useZone()
  return (
    <Menu position="bottom-end" width={224}>
      <Menu.Target>
        <button type="button" className="btn btn--quiet zoneclock">
          <span className="vh">Times are shown in {zoneName(zone)}. It is </span>
          <time>{formatClock(now)}</time>
          <span>, {zoneName(zone)}</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <ZoneItems now={now} />
      </Menu.Dropdown>
    </Menu>
  )
}

function ZoneItems({ now }: { now: number }) {
  const chosen = useZone()
  return (
    <>
      <Menu.Label>Show times in</Menu.Label>
      {zones.map((zone) => (
        <Menu.Item
          key={zone}
          leftSection={<span className="zoneclock__there">{formatClockShort(now, shownTimeZone(zone))}</span>}
          rightSection={zone === chosen ? <Check className="i i--sm" aria-label="shown" /> : null}
          onClick={() => zoneStore.choose(zone)}
        >
          {words(zone, now)}
        </Menu.Item>
      ))}
    </>
  )
}

function words(zone: Zone, now: number): string {
  const own = zoneWords(zone, now)
  return zone === 'local' && own === 'UTC' ? 'UTC, as this computer' : own
}
