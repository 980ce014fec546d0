/** A PUBLISH packet built once and stamped for every message: packet id, ts and a digit of each value. */
import { topics } from '@telltale/broker/contract'
import { generate } from 'mqtt-packet'

export const METRICS_PER_MESSAGE = 5
const TS_DIGITS = 13
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39

export class PublishTemplate {
  readonly bytes: Buffer
  private readonly packetIdAt: number
  private readonly tsAt: number
  /** Where the last digit of each value stands. */
  private readonly digitsAt: number[]

  /** The first stamped message carries `startTsMs`, each next one a millisecond more. */
  constructor(deviceId: string, startTsMs: number) {
    const values = { temperature: 21.51, humidity: 56.11, pressure: 1013.21, co2: 612.41, battery: 3.711 }
    const topic = topics.telemetry(deviceId)
    const payload = JSON.stringify({ ts: startTsMs - 1, values })
    this.bytes = generate({
      cmd: 'publish',
      topic,
      payload,
      qos: 1,
      messageId: 1,
      dup: false,
      retain: false,
    })
    const payloadAt = this.bytes.length - payload.length
    this.packetIdAt = payloadAt - 2
    this.tsAt = payloadAt + payload.indexOf(String(startTsMs - 1))
    this.digitsAt = Object.values(values).map((value) => {
      const text = String(value)
      return payloadAt + payload.indexOf(`:${text}`) + text.length
    })
  }

  stamp(packetId: number): void {
    const { bytes } = this
    bytes[this.packetIdAt] = packetId >> 8
    bytes[this.packetIdAt + 1] = packetId & 0xff
    this.addMillisecond()
    // The last digits change from 1 to 9: never 0, which JSON.stringify would not have written.
    for (const at of this.digitsAt) bytes[at] = DIGIT_0 + 1 + (packetId % 9)
  }

  /** Adds one to the digits in place: formatting a number for each message would be the generator's main cost. */
  private addMillisecond(): void {
    for (let at = this.tsAt + TS_DIGITS - 1; at >= this.tsAt; at--) {
      if (this.bytes[at] !== DIGIT_9) {
        this.bytes[at] = (this.bytes[at] as number) + 1
        return
      }
      this.bytes[at] = DIGIT_0
    }
  }
}
