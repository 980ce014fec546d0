/** One MQTT connection on a raw socket, as all generators of load open theirs. */
import { connect, type Socket } from 'node:net'
import { generate, parser } from 'mqtt-packet'

/** Longer than a run: nobody here sends a PINGREQ. */
const KEEP_ALIVE_SECONDS = 600

export interface SignIn {
  host: string
  port: number
  deviceId: string
  /** Undefined for a broker that asks nobody. */
  secret: string | undefined
  /** Of this side: where the connections of one place are to come from several addresses. */
  localAddress?: string
}

/**
 * Resolves at CONNACK 0.
 * @throws Error when the broker answers anything else, or closes
 */
export async function signIn({ host, port, deviceId, secret, localAddress }: SignIn): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true, ...(localAddress !== undefined && { localAddress }) })
  socket.write(
    generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId: deviceId,
      keepalive: KEEP_ALIVE_SECONDS,
      ...(secret === undefined ? {} : { username: deviceId, password: Buffer.from(secret) }),
    }),
  )
  try {
    await connack(socket, deviceId)
    return socket
  } catch (error) {
    socket.on('error', () => {})
    socket.destroy()
    throw error
  }
}

function connack(socket: Socket, deviceId: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const reader = parser()
    const read = (chunk: Buffer) => reader.parse(chunk)
    const closed = () => reject(new Error(`${deviceId}: closed before CONNACK`))
    reader.on('packet', (packet) => {
      socket.off('data', read)
      socket.off('error', reject)
      socket.off('close', closed)
      if (packet.cmd === 'connack' && packet.returnCode === 0) resolve()
      else reject(new Error(`${deviceId}: CONNECT was answered with ${JSON.stringify(packet)}`))
    })
    socket.on('data', read)
    socket.on('error', reject)
    socket.on('close', closed)
  })
}
