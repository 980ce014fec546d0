import type { Device } from '@telltale/api/contract'

const rowsMin = 3

/** A small fleet has room for lamps a person can point at. */
export function pitchOf(count: number): number {
  return count <= 400 ? 12 : 7
}

export type LampCell = { shape: 'ok' | 'warn' | 'bad' | 'off'; faded: boolean; path: string }

const shapes = { online: 'ok', silent: 'warn', offline: 'bad', never: 'off' } as const

/** As few rows as fit the width, so a place on the panel moves only when the window does. */
export function panelRows(count: number, widthPx: number): number {
  const columns = Math.max(1, Math.floor(widthPx / pitchOf(count)))
  return Math.max(rowsMin, Math.ceil(count / columns))
}

/** One path per shape: a thousand lamps are eight elements. Trouble is drawn last, over its neighbours. */
export function layOut(
  devices: readonly Device[],
  widthPx: number,
  matches: (device: Device) => boolean,
): LampCell[] {
  const rows = panelRows(devices.length, widthPx)
  const pitch = pitchOf(devices.length)
  const paths = new Map<string, LampCell>()
  for (const [index, device] of devices.entries()) {
    const shape = device.disabledAt === null ? shapes[device.presence.status] : 'off'
    const faded = !matches(device)
    const key = `${faded ? 0 : 1}${['off', 'ok', 'warn', 'bad'].indexOf(shape)}`
    const cell = paths.get(key) ?? { shape, faded, path: '' }
    const x = Math.floor(index / rows) * pitch + pitch / 2
    const y = (index % rows) * pitch + pitch / 2
    cell.path += `M${x} ${y}h0`
    paths.set(key, cell)
  }
  return [...paths.keys()].sort().flatMap((key) => paths.get(key) ?? [])
}
