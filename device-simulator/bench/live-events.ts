/** Server-sent events from the browser's side: a stream that is open, events that are whole, and a cheap count. */
import { get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { ApiAccess } from './requests.ts'

export interface StreamRequest extends ApiAccess {
  /** Of one stream: device ids with commas. */
  devices: string
  /** Of this side: the API counts streams by address. */
  localAddress?: string
}

/** @throws Error when it is not answered with 200 */
export async function requestStream({
  url,
  token,
  devices,
  localAddress,
}: StreamRequest): Promise<IncomingMessage> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = {
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
      agent: false,
      ...(localAddress !== undefined && { localAddress }),
    }
    get(`${url}/api/v1/events?devices=${devices}`, options, resolve).on('error', reject)
  })
  if (response.statusCode === 200) return response
  response.destroy()
  throw new Error(sayStatus(response.statusCode))
}

const sayStatus = (status: unknown) => `the live stream answered ${status}`

export interface StreamEvent {
  type: string
  data: string
}

/** Events as EventSource hands them out: each at the blank line that ends it, wherever TCP cut the bytes. */
export class EventParser {
  private readonly decoder = new TextDecoder()
  private rest = ''

  take(chunk: Uint8Array, onEvent: (event: StreamEvent) => void): void {
    const frames = (this.rest + this.decoder.decode(chunk, { stream: true })).split('\n\n')
    this.rest = frames.pop() ?? ''
    for (const frame of frames) {
      const event = parseFrame(frame)
      if (event) onEvent(event)
    }
  }
}

/** Undefined for one without data, such as `retry` alone. */
function parseFrame(frame: string): StreamEvent | undefined {
  let type = 'message'
  let data: string | undefined
  for (const line of frame.split('\n')) {
    const [, name, value = ''] = /^([^:]+):? ?(.*)$/.exec(line) ?? []
    if (name === 'event') type = value
    else if (name === 'data') data = data === undefined ? value : `${data}\n${value}`
  }
  return data === undefined ? undefined : { type, data }
}

const LINE_END = 0x0a
/** JSON has no raw line breaks, so that these bytes stand nowhere but at the head of a reading's frame. */
const READING = Buffer.from('\nevent: reading\n')

/**
 * Counts readings without looking into them, in the bytes of the connection itself: the API ends an HTTP chunk between
 * events. A thousand readers that parse would be the bottleneck themselves.
 */
export class ReadingCounter {
  count = 0
  /** Bytes of `READING` with which the last chunk ended. */
  private matched = 0

  take(chunk: Buffer): void {
    let from = this.matched > 0 ? this.finish(chunk) : 0
    for (let at = chunk.indexOf(READING, from); at >= 0; at = chunk.indexOf(READING, from)) {
      this.count++
      from = at + READING.length
    }
    if (this.matched === 0) this.matched = partAtEnd(chunk)
  }

  /** What the cut divided; returns where it ends. */
  private finish(chunk: Buffer): number {
    let at = 0
    while (at < chunk.length && this.matched < READING.length && chunk[at] === READING[this.matched]) {
      at++
      this.matched++
    }
    if (this.matched === READING.length) this.count++
    if (this.matched === READING.length || at < chunk.length) this.matched = 0
    return at
  }
}

/** Only its first byte ends a line, but for its last: a part begins at the last line end there is. */
function partAtEnd(chunk: Buffer): number {
  const last = chunk.lastIndexOf(LINE_END)
  const bytes = chunk.length - last
  if (last < 0 || bytes >= READING.length) return 0
  return chunk.compare(READING, 0, bytes, last) === 0 ? bytes : 0
}

export interface CountedStream {
  readonly count: number
}

/** Of all counted streams, which are read one after the other: what arrives is counted before the next is read. */
const shared = Buffer.alloc(64 * 1024)

/**
 * A stream on a bare socket: neither HTTP parser nor stream buffers take CPU from the API. Resolves at `hello`.
 * @throws Error when it is not answered with 200
 */
export function openCountedStream(asked: StreamRequest, onClose: () => void): Promise<CountedStream> {
  const { url, token, devices, localAddress } = asked
  const { hostname, port, host } = new URL(url)
  const counter = new ReadingCounter()
  let head = ''
  let isOpen = false
  return new Promise((resolve, reject) => {
    const greet = (bytes: Buffer) => {
      head += bytes.toString('latin1')
      const [, status] = /^HTTP\/1\.1 (\d+) /.exec(head) ?? []
      if (status !== undefined && status !== '200') {
        socket.destroy(new Error(sayStatus(status)))
      } else if (head.includes('\nevent: hello\n')) {
        isOpen = true
        resolve(counter)
      }
    }
    const callback = (bytes: number) => {
      const chunk = shared.subarray(0, bytes)
      counter.take(chunk)
      if (!isOpen) greet(chunk)
      return true
    }
    const socket = connect({
      host: hostname,
      port: Number(port),
      ...(localAddress !== undefined && { localAddress }),
      onread: { buffer: shared, callback },
    })
    socket.on('error', reject)
    socket.on('close', () => {
      reject(new Error('the live stream ended before hello'))
      onClose()
    })
    socket.write(
      `GET /api/v1/events?devices=${devices} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\n\r\n`,
    )
  })
}
