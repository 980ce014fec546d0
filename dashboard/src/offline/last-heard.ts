const key = 'telltale-last-heard'
const everyMs = 5_000

/** When this browser last heard from the server, by its own clock: a time, nothing about devices. */
export function readLastHeard(): number | null {
  try {
    const time = Number(localStorage.getItem(key))
    return Number.isFinite(time) && time > 0 ? time : null
  } catch {
    return null
  }
}

let writtenAt = 0

export function rememberHeard(now: number): void {
  if (now - writtenAt < everyMs) return
  writtenAt = now
  try {
    localStorage.setItem(key, String(now))
  } catch {
    // Then the offline page does not say how long it has been.
  }
}
