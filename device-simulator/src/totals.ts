/** What a fleet has done so far: one object, printed at the end as the summary line. */

export interface Totals {
  connects: number
  lost: number
  messages: number
  acked: number
  readings: number
  backlogDropped: number
  commands: number
  cuts: number
  silences: number
  duplicates: number
  garbage: number
  reboots: number
  problems: number
}

export function createTotals(): Totals {
  return {
    connects: 0,
    lost: 0,
    messages: 0,
    acked: 0,
    readings: 0,
    backlogDropped: 0,
    commands: 0,
    cuts: 0,
    silences: 0,
    duplicates: 0,
    garbage: 0,
    reboots: 0,
    problems: 0,
  }
}
