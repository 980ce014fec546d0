import cliProgress from 'cli-progress'

/** Where stderr is no terminal, one line each. */
const LOG_MS = 10_000

export interface Bar {
  add(rows: number): void
  /** What was guessed to be so many rows turned out to be so many. */
  correct(guessedRows: number, rows: number): void
  show(what: string): void
  stop(): void
}

/** On stderr, counted in rows; the total is a guess that gets better. */
export function createBar(verb: string, totalRows: number, doneRows: number): Bar {
  let total = Math.max(1, totalRows)
  let seen = doneRows
  let certain = doneRows
  const startedMs = performance.now()
  const bar = new cliProgress.SingleBar({
    format: `${verb} [{bar}] {percentage} % | {rows} rows | {rate} rows/s | {eta_formatted} left | {what}`,
    stream: process.stderr,
    noTTYOutput: true,
    notTTYSchedule: LOG_MS,
    etaBuffer: 100,
    // What the library cannot say it calls NULL or INF.
    formatTime: (seconds, options, roundTo) =>
      Number.isFinite(seconds) ? cliProgress.Format.TimeFormat(seconds, options, roundTo) : '?',
    hideCursor: true,
  })
  const payload = () => ({
    rows: Math.round(seen).toLocaleString('en'),
    rate: Math.round(
      (seen - doneRows) / Math.max(0.001, (performance.now() - startedMs) / 1_000),
    ).toLocaleString('en'),
  })
  bar.start(total, doneRows, { ...payload(), what: '' })
  const draw = () => bar.update(Math.min(Math.floor(seen), total), payload())
  return {
    add(rows) {
      seen += rows
      draw()
    },
    correct(guessedRows, rows) {
      certain += rows
      seen = certain
      total = Math.max(1, total + rows - guessedRows, certain)
      bar.setTotal(total)
      draw()
    },
    show: (what) => bar.update({ what }),
    stop: () => bar.stop(),
  }
}
