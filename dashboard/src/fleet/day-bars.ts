/** The foot of an hour is never less than this, or a minute away would not show. */
const footMinPx = 4
const pitchPx = 6
const barPx = 4

export const dayBox = { width: 24 * pitchPx - (pitchPx - barPx), height: 16 }

type Day = { from: number; to: number; shares: readonly (number | null)[] }

/** Path data of the parts of a day: connected, away, silent, unknown. */
export type DayBars = { ok: string; bad: string; warn: string; none: string }

/**
 * 24 bars, one an hour; the coloured foot is the share of it away, or silent. Of silence only the one that lasts is
 * known: since `silentSince`.
 */
export function dayBars({ from, to, shares }: Day, silentSince: number | null): DayBars {
  const bars: DayBars = { ok: '', bad: '', warn: '', none: '' }
  const stepMs = (to - from) / shares.length
  for (const [hour, share] of shares.entries()) {
    const x = hour * pitchPx
    if (share === null) {
      bars.none += bar(x, dayBox.height - 2, dayBox.height)
      continue
    }
    const end = from + (hour + 1) * stepMs
    const silentShare =
      silentSince === null ? 0 : Math.min(1, Math.max(0, end - Math.max(end - stepMs, silentSince)) / stepMs)
    const bad = foot(1 - share)
    const warn = Math.min(foot(silentShare), dayBox.height - bad)
    if (bad > 0) bars.bad += bar(x, dayBox.height - bad, dayBox.height)
    if (warn > 0) bars.warn += bar(x, dayBox.height - bad - warn, dayBox.height - bad)
    if (bad + warn < dayBox.height) bars.ok += bar(x, 0, dayBox.height - bad - warn)
  }
  return bars
}

/** Below two seconds of an hour it is how clocks differ. */
function foot(share: number): number {
  return share < 0.0006 ? 0 : Math.max(footMinPx, Math.round(share * dayBox.height * 10) / 10)
}

function bar(x: number, top: number, bottom: number): string {
  const height = Math.round((bottom - top) * 10) / 10
  return `M${x} ${Math.round(top * 10) / 10}h${barPx}v${height}h-${barPx}z`
}
