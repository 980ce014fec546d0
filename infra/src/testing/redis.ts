import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { quietPort } from './ports.ts'
import { waitFor } from './wait.ts'

/** A Redis server of its own, nothing on disk. */
export interface TestRedis {
  url: string
  port: number
  stop: () => Promise<void>
  /** On the same port, empty. */
  start: () => Promise<void>
}

/** @throws when `redis-server` is not installed: ask `toolMissing('redis-server')` first */
export async function startTestRedis(): Promise<TestRedis> {
  const port = await quietPort()
  const dir = await mkdtemp(join(tmpdir(), 'telltale-redis-'))
  let end = async () => {}
  const start = async () => {
    await mkdir(dir, { recursive: true })
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', dir]
    const child = spawn('redis-server', args, { stdio: 'ignore' })
    const ended = once(child, 'exit')
    end = async () => {
      child.kill('SIGKILL')
      await ended
    }
    await waitFor('Redis to listen', () => canConnect(port))
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    start,
    stop: async () => {
      await end()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function canConnect(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
