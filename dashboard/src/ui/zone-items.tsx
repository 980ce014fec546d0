import { Menu } from '@mantine/core'
import { Check } from 'lucide-react'
import { formatClockShort } from './format.ts'
import type { AtButtonProps } from './late-menu.tsx'
import { MenuAt } from './menu-at.tsx'
import { shownTimeZone, useZone, type Zone, zoneStore, zoneWords } from './zone.ts'

const zones: readonly Zone[] = ['local', 'utc']

export function ZoneItems({ now, ...at }: AtButtonProps & { now: number }) {
  const chosen = useZone()
  return (
    <MenuAt {...at} position="bottom-end" width={224}>
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
    </MenuAt>
  )
}

function words(zone: Zone, now: number): string {
  const own = zoneWords(zone, now)
  return zone === 'local' && own === 'UTC' ? 'UTC, as this computer' : own
}
