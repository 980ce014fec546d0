import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Below the range from which systems give ports to outgoing connections: a port from there may be taken by any
 * connection while the program that should listen on it is being restarted.
 */
const FIRST = 20_000
const LAST = 32_000
/** Files that run side by side choose from parts of their own: what one has chosen may not be listened on yet. */
const PARTS = 8
const PART_SIZE = (LAST - FIRST) / PARTS

const given = new Set<number>()

/** `count` ports nobody listens on or was given, for programs that may be started again on the same ones. */
export async function quietPorts(count: number): Promise<number[]> {
  const first = FIRST + (Number(process.env.VITEST_POOL_ID ?? 0) % PARTS) * PART_SIZE
  const ports: number[] = []
  while (ports.length < count) {
    const port = randomInt(first, first + PART_SIZE)
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    ports.push(port)
  }
  return ports
}

/** One of them. */
export async function quietPort(): Promise<number> {
  const [port = 0] = await quietPorts(1)
  return port
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
