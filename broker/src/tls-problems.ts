import type { TLSSocket } from 'node:tls'

/** Why a TLS handshake did not come about; `handshake_aborted` is also what a load balancer's look at the port is. */
export type TlsProblemCode =
  | 'plaintext'
  | 'handshake_timeout'
  | 'handshake_aborted'
  | 'handshake_failed'
  | 'old_protocol'
  | 'no_common_cipher'
  | 'wrong_application_protocol'
  | 'server_not_trusted'
  | 'no_certificate'
  | 'certificate_expired'
  | 'certificate_not_trusted'

export interface TlsProblem {
  code: TlsProblemCode
  address: string | null
  detail: string
}

const WORDS: Record<TlsProblemCode, string> = {
  plaintext: 'the client does not speak TLS; plain MQTT has another port',
  handshake_timeout: 'the client did not finish the TLS handshake in time',
  handshake_aborted: 'the client left during the TLS handshake; it may not trust the server or its name',
  handshake_failed: 'the TLS handshake failed',
  old_protocol: 'the client offers no TLS 1.2 or newer',
  no_common_cipher: 'the client offers no cipher with forward secrecy and authentication (AES-GCM, ChaCha20)',
  wrong_application_protocol: 'the client wants to speak something else than MQTT (ALPN)',
  server_not_trusted: "the client does not trust the server's certificate",
  no_certificate: 'the client sent no certificate',
  certificate_expired: "the client's certificate has expired",
  certificate_not_trusted: "the client's certificate is of no authority trusted here",
}

/** OpenSSL's and Node's own codes. */
const MEANINGS: Record<string, TlsProblemCode> = {
  ERR_SSL_WRONG_VERSION_NUMBER: 'plaintext',
  ERR_SSL_HTTP_REQUEST: 'plaintext',
  ERR_SSL_HTTPS_PROXY_REQUEST: 'plaintext',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'handshake_timeout',
  ECONNRESET: 'handshake_aborted',
  EPIPE: 'handshake_aborted',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'old_protocol',
  ERR_SSL_NO_SHARED_CIPHER: 'no_common_cipher',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'wrong_application_protocol',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'server_not_trusted',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'server_not_trusted',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'server_not_trusted',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'server_not_trusted',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'no_certificate',
  CERT_HAS_EXPIRED: 'certificate_expired',
}

/** A refused client certificate shows only in `authorizationError`: the error itself says that the socket closed. */
export function explainTlsError(
  error: NodeJS.ErrnoException,
  { authorizationError }: Pick<TLSSocket, 'authorizationError'>,
): Omit<TlsProblem, 'address'> {
  const refused = authorizationError ? String(authorizationError) : undefined
  const native = refused ?? error.code ?? 'unknown'
  const code = MEANINGS[native] ?? (refused ? 'certificate_not_trusted' : 'handshake_failed')
  return { code, detail: `${WORDS[code]} (${native})` }
}
