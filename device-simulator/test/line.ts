import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * The line between a browser and the server, to be cut and mended; it can also lose the bytes of one direction, and
 * hold all answers back.
 */
export interface Line {
  /** `http://127.0.0.1:…`, through the line. */
  dashboard: string
  cut: () => void
  mend: () => void
  /** From now on these bytes of the connections that are open get lost, until they are cut. */
  lose: (what: 'questions' | 'answers') => void
  /** From now on no answer arrives, of connections old and new, until `flow`: then all do. */
  hold: () => void
  flow: () => void
  close: () => Promise<void>
}

export async function startLine(targetPort: number): Promise<Line> {
  const open = new Set<{ lost: 'questions' | 'answers' | null; upstream: Socket; end: () => void }>()
  let isCut = false
  let isHeld = false
  const server = createServer({ noDelay: true }, (client) => {
    if (isCut) return client.resetAndDestroy()
    const upstream = connect({ port: targetPort, host: '127.0.0.1', noDelay: true })
    const end = () => {
      open.delete(pair)
      client.destroy()
      upstream.destroy()
    }
    const pair = { lost: null as 'questions' | 'answers' | null, upstream, end }
    open.add(pair)
    join(client, upstream, { isLost: () => pair.lost === 'questions', end })
    join(upstream, client, { isLost: () => pair.lost === 'answers', end })
    if (isHeld) upstream.pause()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endAll = () => {
    for (const { end } of open) end()
  }
  return {
    dashboard: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      isCut = true
      endAll()
    },
    mend: () => {
      isCut = false
    },
    lose: (what) => {
      for (const pair of open) pair.lost = what
    },
    hold: () => {
      isHeld = true
      for (const { upstream } of open) upstream.pause()
    },
    flow: () => {
      isHeld = false
      for (const { upstream } of open) upstream.resume()
    },
    close: async () => {
      endAll()
      server.close()
      await once(server, 'close')
    },
  }
}

function join(from: Socket, to: Socket, { isLost, end }: { isLost: () => boolean; end: () => void }): void {
  from.on('data', (bytes) => {
    if (!isLost()) to.write(bytes)
  })
  from.on('error', () => {})
  from.on('close', end)
}
