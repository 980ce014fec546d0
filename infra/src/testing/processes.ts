import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

export interface RunningProcess {
  pid: number
  command: string
}

/** Processes whose command line or environment names `word`: a data folder of a test's own names its processes. */
export async function processesOf(word: string): Promise<RunningProcess[]> {
  const all = process.platform === 'linux' ? await readProc() : await askPs()
  return all
    .filter(({ pid, text }) => pid !== process.pid && text.includes(word))
    .map(({ pid, text }) => ({ pid, command: text.split('\n')[0] ?? '' }))
}

type Seen = { pid: number; text: string }

async function readProc(): Promise<Seen[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const read = (pid: string, file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
  return Promise.all(
    pids.map(async (pid) => {
      const command = (await read(pid, 'cmdline')).replaceAll('\0', ' ')
      return { pid: Number(pid), text: `${command}\n${await read(pid, 'environ')}` }
    }),
  )
}

/** `-E` adds the environment to the command line on macOS. */
async function askPs(): Promise<Seen[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-E', '-o', 'pid=,command='], {
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout.split('\n').map((line) => {
    const [, pid = '0', text = ''] = /^\s*(\d+) (.*)$/.exec(line) ?? []
    return { pid: Number(pid), text }
  })
}
