import type { IncomingHttpHeaders } from 'node:http'

/**
 * Whether a browser sent this from a page of our own: the Origin's host and port are exactly the ones the request
 * was made to. `none`: no Origin header, so not a cross-site request of a browser.
 */
export function checkOrigin(headers: IncomingHttpHeaders): 'own' | 'foreign' | 'none' {
  const { origin, host } = headers
  if (origin === undefined) return 'none'
  const url = URL.canParse(origin) ? new URL(origin) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.origin !== origin.toLowerCase()) return 'foreign'
  return host !== undefined && url.host === withoutDefaultPort(host.toLowerCase(), url.protocol)
    ? 'own'
    : 'foreign'
}

/** Browsers leave the default port out of Origin; some clients put it into Host. */
function withoutDefaultPort(host: string, protocol: string): string {
  return host.replace(protocol === 'https:' ? /:443$/ : /:80$/, '')
}
