/**
 * A WebSocket client (RFC 6455) for one purpose: text frames out and in, the moment they are whole, and nothing between
 * the bytes and the clock. Fragments and extensions are not asked for; what uses them is refused.
 */
import { randomBytes } from 'node:crypto'
import { type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'

const TEXT = 0x1
const CLOSE = 0x8
const PING = 0x9
const PONG = 0xa
const FINAL = 0x80
const MASKED = 0x80
/** §5.2: lengths that mean that the length follows, in two bytes or in eight. */
const IN_TWO_BYTES = 126
const IN_EIGHT_BYTES = 127

export interface Frame {
  opcode: number
  payload: Buffer
}

/** Frames of a server, which are not masked, wherever TCP cut them. */
export class FrameReader {
  private rest: Buffer = Buffer.alloc(0)

  /** @throws Error on a fragment, a masked frame or one of gigabytes */
  take(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    for (let frame = this.next(); frame; frame = this.next()) onFrame(frame)
  }

  private next(): Frame | undefined {
    const { rest } = this
    if (rest.length < 2) return undefined
    const [first, second] = [rest[0] as number, rest[1] as number]
    if ((first & 0xf0) !== FINAL || (second & MASKED) !== 0)
      throw new Error(`not a whole, plain frame: ${rest.subarray(0, 2).toString('hex')}`)
    const headBytes = 2 + (second === IN_TWO_BYTES ? 2 : second === IN_EIGHT_BYTES ? 8 : 0)
    if (rest.length < headBytes) return undefined
    if (second === IN_EIGHT_BYTES && rest.readUInt32BE(2) !== 0) throw new Error('a frame of gigabytes')
    const bytes =
      second === IN_TWO_BYTES
        ? rest.readUInt16BE(2)
        : second === IN_EIGHT_BYTES
          ? rest.readUInt32BE(6)
          : second
    if (rest.length < headBytes + bytes) return undefined
    this.rest = rest.subarray(headBytes + bytes)
    return { opcode: first & 0x0f, payload: rest.subarray(headBytes, headBytes + bytes) }
  }
}

/** §5.3: a client masks what it sends. */
export function encodeFrame({ opcode, payload }: Frame, mask: Buffer = randomBytes(4)): Buffer {
  if (payload.length > 0xffff) throw new Error('the bench sends no such frames')
  const isShort = payload.length < IN_TWO_BYTES
  const length = isShort
    ? [MASKED | payload.length]
    : [MASKED | IN_TWO_BYTES, payload.length >> 8, payload.length & 0xff]
  const masked = payload.map((byte, i) => byte ^ (mask[i % 4] as number))
  return Buffer.concat([Buffer.from([FINAL | opcode, ...length]), mask, masked])
}

export interface TextSocket {
  send(text: string): void
  close(): void
}

/**
 * Resolves when the server has switched protocols.
 * @throws Error when it answers anything else
 */
export async function openTextSocket(
  { url, token, protocol }: { url: string; token: string; protocol: string },
  on: { text(text: string): void; end(why: string): void },
): Promise<TextSocket> {
  const { socket, head } = await upgrade(url, {
    authorization: `Bearer ${token}`,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
    'sec-websocket-protocol': protocol,
  })
  socket.setNoDelay(true)
  const write = (frame: Frame) => socket.write(encodeFrame(frame))
  const reader = new FrameReader()
  const take = (chunk: Buffer) =>
    reader.take(chunk, (frame) => {
      if (frame.opcode === TEXT) on.text(frame.payload.toString())
      else if (frame.opcode === PING) write({ opcode: PONG, payload: frame.payload })
      else if (frame.opcode === CLOSE) on.end(sayClose(frame.payload))
    })
  socket.on('error', () => {})
  socket.on('close', () => on.end('lost'))
  socket.on('data', take)
  if (head.length > 0) take(head)
  return {
    send: (text) => {
      write({ opcode: TEXT, payload: Buffer.from(text) })
    },
    close: () => {
      socket.destroy()
    },
  }
}

function sayClose(payload: Buffer): string {
  return payload.length < 2 ? 'closed' : `closed with ${payload.readUInt16BE(0)} ${payload.subarray(2)}`
}

function upgrade(url: string, headers: Record<string, string>): Promise<{ socket: Socket; head: Buffer }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers, agent: false })
    asked.on('upgrade', (_: IncomingMessage, socket: Socket, head: Buffer) => resolve({ socket, head }))
    asked.on('response', ({ statusCode }) => reject(new Error(`the upgrade was answered with ${statusCode}`)))
    asked.on('error', reject)
    asked.end()
  })
}
