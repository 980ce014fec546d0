/** Who is at the other end of a connection, as far as its listener knows. */
export interface Peer {
  address: string | null
  listener: 'tcp' | 'tls' | 'ws'
  /** Verified against the operator's authorities; only where client certificates are asked for. */
  certificate?: {
    commonName: string
    /** SHA-256 of the DER. */
    fingerprint: Buffer
  }
}
