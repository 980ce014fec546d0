/**
 * Takes the place of broker/src/gate/gates.ts in a broker that is built to be measured without its gate: aedes reads
 * the bare socket. Not for use: nothing is checked, limited or timed.
 */
import type { Duplex } from 'node:stream'

export const gateLimits = () => ({})

export class Gates {
  readonly heldBytes = 0
  readonly size = 0

  guard(connection: Duplex) {
    // An error after aedes has let go must not end the process.
    connection.on('error', () => {})
    return { connection, keepaliveS: 0, open: () => {}, close: () => {}, sweep: () => {} }
  }

  stop(): void {}
}
