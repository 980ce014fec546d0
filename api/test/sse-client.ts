import { get, type IncomingMessage } from 'node:http'
import { until } from './harness.ts'

export interface SseEvent {
  id: string
  type: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of every type
  data: any
}

/** A bare reader of an event stream: sees what is on the wire, and can stop reading. */
export class SseClient {
  readonly events: SseEvent[] = []
  readonly retries: number[] = []
  isEnded = false
  #rest = ''
  #response: IncomingMessage

  private constructor(response: IncomingMessage) {
    this.#response = response
    response.setEncoding('utf8')
    response.on('data', (text: string) => this.#read(text))
    response.on('close', () => {
      this.isEnded = true
    })
    response.on('error', () => {})
  }

  /** Resolves when `hello` has come. */
  static async open(url: string, headers: Record<string, string>): Promise<SseClient> {
    const client = new SseClient(await SseClient.request(url, headers))
    await until(() => client.of('hello').length > 0)
    return client
  }

  static request(url: string, headers: Record<string, string>): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      get(url, { headers, agent: false }, resolve).on('error', reject)
    })
  }

  get headers(): IncomingMessage['headers'] {
    return this.#response.headers
  }

  of(type: string): SseEvent[] {
    return this.events.filter((event) => event.type === type)
  }

  stopReading(): void {
    this.#response.pause()
  }

  readAgain(): void {
    this.#response.resume()
  }

  close(): void {
    this.#response.destroy()
  }

  #read(text: string): void {
    const frames = (this.#rest + text).split('\n\n')
    this.#rest = frames.pop() ?? ''
    for (const frame of frames) this.#readFrame(frame)
  }

  #readFrame(frame: string): void {
    const fields = new Map<string, string>()
    for (const line of frame.split('\n'))
      fields.set(line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2))
    const retry = fields.get('retry')
    if (retry !== undefined) this.retries.push(Number(retry))
    const data = fields.get('data')
    if (data !== undefined)
      this.events.push({
        id: fields.get('id') ?? '',
        type: fields.get('event') ?? '',
        data: JSON.parse(data),
      })
  }
}
