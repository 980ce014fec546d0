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
    reportSkipped(`tests that need ${command} were skipped: it is not installed and could not be`)
    return true
  }
}

/** Put before a command, it makes that the first process of a namespace, as in a container without an init. */
export const firstProcessLauncher = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'] as const

/** Whether this machine does not let us use that launcher; as `toolMissing`. */
export function namespacesMissing(): boolean {
  const [command, ...args] = firstProcessLauncher
  try {
    execFileSync(command, [...args, 'true'], { stdio: 'ignore', timeout: 5_000 })
    return false
  } catch {
    reportSkipped('tests of a container without an init were skipped: they need root on Linux and namespaces')
    return true
  }
}

/** Printed by the test script on its last lines, so that no skipped test is silent. */
export function reportSkipped(reason: string): void {
  const report = process.env.TELLTALE_SKIPPED_REPORT
  if (report) appendFileSync(report, `${reason}\n`)
  else console.error(reason)
}
