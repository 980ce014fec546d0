/** How the run is going, on stderr: a line that rewrites itself on a terminal, one every ten seconds in a log. */
import type { Fleet } from './fleet.ts'

const TERMINAL_MS = 1_000
const LOG_MS = 10_000

export function showProgress(fleet: Fleet, devices: number, stream: NodeJS.WriteStream): () => void {
  const terminal = stream.isTTY === true
  const periodMs = terminal ? TERMINAL_MS : LOG_MS
  let messagesBefore = 0
  let problemShown: string | undefined
  const show = () => {
    const { registered, online, backlog, lastProblem } = fleet.state()
    const { messages, acked, commands } = fleet.totals
    const perSecond = Math.round((messages - messagesBefore) / (periodMs / 1_000))
    messagesBefore = messages
    const problem = lastProblem !== problemShown && lastProblem ? `\nsimulate: ${lastProblem}` : ''
    problemShown = lastProblem
    const line =
      `simulate: ${online}/${devices} online (${registered} started), ${perSecond} msg/s, ` +
      `${acked} acknowledged, ${backlog} in backlogs, ${commands} commands${problem}`
    stream.write(terminal ? `\r\u001b[K${line}${problem ? '\n' : ''}` : `${line}\n`)
  }
  const timer = setInterval(show, periodMs)
  return () => {
    clearInterval(timer)
    if (terminal) stream.write('\n')
  }
}
