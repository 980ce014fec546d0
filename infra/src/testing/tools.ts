import { execFileSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'

/**
 * Whether a program of the machine is missing, for `skipIf`. The reason goes to the file the test script prints on
 * its last lines, so that no skipped test is silent.
 */
export function toolMissing(command: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' })
    return false
  } catch {
    const report = process.env.TELLTALE_SKIPPED_REPORT
    const reason = `tests that need ${command} were skipped: it is not installed and could not be`
    if (report) appendFileSync(report, `${reason}\n`)
    else console.error(reason)
    return true
  }
}
