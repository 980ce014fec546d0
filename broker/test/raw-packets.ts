/** Packets byte by byte, so that they can be wrong. */

/** A length, and the bytes. */
export const text = (value: string | number[]) => {
  const bytes = Buffer.from(value as string)
  return [bytes.length >> 8, bytes.length & 0xff, ...bytes]
}
export const packet = (first: number, ...body: number[]) => {
  const length = body.length
  const size = length < 128 ? [length] : [0x80 | (length & 0x7f), length >> 7]
  return [first, ...size, ...body]
}
const NAME = [...text('MQTT'), 4]
export const connect = (flags: number, ...payload: number[]) =>
  packet(0x10, ...NAME, flags, 0, 60, ...payload)
export const GOOD = connect(0x02, ...text('id'))
export const publish = (topic: string | number[], ...rest: number[]) => packet(0x30, ...text(topic), ...rest)
export const subscribe = (...filters: number[]) => packet(0x82, 0, 1, ...filters)
export const filter = (value: string | number[], qos = 0) => [...text(value), qos]
