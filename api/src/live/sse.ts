import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { LiveEvent } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import type { DeviceSelection } from '../devices/ids.ts'
import { ProblemError } from '../problems.ts'
import { principalOf } from '../session/guard.ts'
import { liveLimits } from './limits.ts'
import { OpenStreams } from './open-streams.ts'
import type { ReaderSink } from './reader.ts'
import {
  lastEventIdOf,
  StreamChange,
  StreamDevices,
  type StreamPlace,
  selectDevices,
  takeStreamPlace,
} from './streams.ts'

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // nginx buffers answers unless told so.
  'x-accel-buffering': 'no',
}

/** How soon a browser comes back after a loss. */
const RETRY = Buffer.from('retry: 3000\n\n')

export function sseRoutes(app: Api, deps: Deps): void {
  const streams = new OpenStreams()
  openRoute(app, deps, streams)
  changeRoute(app, deps, streams)
}

function openRoute(app: Api, deps: Deps, streams: OpenStreams): void {
  app.get(
    '/events',
    {
      exposeHeadRoute: false,
      config: { role: 'viewer', isStream: true },
      schema: {
        tags: ['live'],
        summary: 'Live events of devices, or of the fleet, as server-sent events',
        querystring: Type.Object({
          devices: StreamDevices,
          lastEventId: Type.Optional(Type.String({ maxLength: 64 })),
        }),
        produces: ['text/event-stream'],
        response: {
          200: { description: 'a stream of events', content: { 'text/event-stream': { schema: LiveEvent } } },
        },
      },
    },
    async (request, reply) => {
      const place = takeStreamPlace(deps, request)
      try {
        const { devices = '*', lastEventId } = request.query
        const selection = await selectDevices(deps, devices)
        if (place.ended.aborted) throw new ProblemError('not_signed_in')
        const asked = { place, streams, selection, lastEventId: lastEventIdOf(request, lastEventId) }
        await stream(deps, { request, reply }, asked)
      } catch (error) {
        place.release()
        throw error
      }
    },
  )
}

/** A page that scrolls watches other devices every moment: its stream stays, and carries what it says. */
function changeRoute(app: Api, deps: Deps, streams: OpenStreams): void {
  app.put(
    '/events/:stream',
    {
      config: { role: 'viewer', isFromMemory: true },
      schema: {
        tags: ['live'],
        summary:
          'Changes which devices an open stream carries; answers when nothing of them is missed any more',
        params: Type.Object({ stream: Type.String({ maxLength: 64, description: 'of its hello' }) }),
        body: StreamChange,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const stream = streams.find(request.params.stream, principalOf(request))
      const turn = ++stream.asked
      const asked = await selectDevices(deps, request.body.devices, 'body/devices')
      // A later change was quicker: it stays, and this one waits for it.
      const isNewest = turn > stream.made
      if (isNewest) stream.made = turn
      const selection = isNewest ? asked : stream.reader.selection
      await deps.hub.change(stream.reader, selection)
      // No id: events may still wait for the stream, which says itself where it is.
      return reply.code(204).send(null)
    },
  )
}

interface Asked {
  place: StreamPlace
  streams: OpenStreams
  selection: DeviceSelection
  lastEventId: string | undefined
}

async function stream(
  { hub }: Deps,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  { place, streams, selection, lastEventId }: Asked,
): Promise<void> {
  const { raw } = reply
  const reader = hub.register(selection, toSink(raw))
  const forget = streams.add(reader, principalOf(request))
  reply.hijack()
  place.ended.addEventListener('abort', () => {
    hub.detach(reader)
    raw.end()
    // One that takes nothing would keep its connection.
    setTimeout(() => raw.destroy(), liveLimits.endGraceMs).unref()
  })
  // A broken connection ends in `close`; without a listener its error would end the process.
  raw.on('error', () => {})
  raw.on('drain', () => reader.drained())
  raw.on('close', () => {
    forget()
    place.release()
    hub.detach(reader)
  })
  // Gone while its devices were looked up: the event is over and will not come again.
  if (raw.destroyed || request.raw.socket.destroyed) raw.emit('close')
  raw.writeHead(200, { ...reply.getHeaders(), ...HEADERS } as Record<string, string>)
  raw.write(RETRY)
  await hub.open(reader, lastEventId)
}

function toSink(raw: ServerResponse): ReaderSink {
  return {
    write: (bytes) => raw.write(bytes),
    unsentBytes: () => raw.writableLength,
    end: (goodbye) => raw.end(goodbye),
    destroy: () => raw.destroy(),
  }
}
