import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isFree, quietPorts } from '@telltale/infra/testing/ports'
import { waitFor } from '@telltale/infra/testing/wait'
import { type Credentials, localUrls, type Target } from './targets.ts'

/** Eclipse Mosquitto 2, as it is usually set up: passwords, everything in memory. */
export async function startMosquitto(credentials: Credentials): Promise<Target> {
  const [port = 0, wsPort = 0] = await quietPorts(2)
  const dir = await mkdtemp(join(tmpdir(), 'telltale-mosquitto-'))
  const passwords = join(dir, 'passwords')
  const { username, password } = credentials
  await promisify(execFile)('mosquitto_passwd', ['-c', '-b', passwords, username, password])
  const config = join(dir, 'mosquitto.conf')
  await writeFile(config, configuration({ port, wsPort, passwords }))
  const server = spawn('mosquitto', ['-c', config], { stdio: 'ignore' })
  const ended = once(server, 'exit')
  await waitFor('mosquitto to listen', async () => !(await isFree(port)) && !(await isFree(wsPort)))
  return {
    urls: localUrls(port, wsPort),
    credentials,
    stop: async () => {
      server.kill('SIGKILL')
      await ended
      await rm(dir, { recursive: true, force: true })
    },
  }
}

function configuration(use: { port: number; wsPort: number; passwords: string }): string {
  return [
    // As root it would become another user, who cannot read the passwords.
    `user ${userInfo().username}`,
    `listener ${use.port} 127.0.0.1`,
    `listener ${use.wsPort} 127.0.0.1`,
    'protocol websockets',
    'allow_anonymous false',
    `password_file ${use.passwords}`,
    'persistence false',
    'max_queued_messages 1000',
    '',
  ].join('\n')
}
