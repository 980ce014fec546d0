/** A signed-in HTTP client, as the dashboard is one. */
export interface SignedIn {
  get: <T>(path: string) => Promise<T>
  send: <T>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown) => Promise<T>
}

/** One attempt to sign in; the caller judges the answer. */
export function trySignIn(dashboard: string, credentials: Record<string, string>): Promise<Response> {
  return fetch(`${dashboard}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(credentials),
  })
}

export async function signIn(dashboard: string, credentials: Record<string, string>): Promise<SignedIn> {
  const answer = await trySignIn(dashboard, credentials)
  if (!answer.ok) throw new Error(`sign-in failed: ${await answer.text()}`)
  const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const call = async (path: string, init: RequestInit) => {
    const response = await fetch(`${dashboard}/api/v1${path}`, init)
    if (!response.ok) throw new Error(`${init.method} ${path}: ${response.status} ${await response.text()}`)
    return response.status === 204 ? undefined : response.json()
  }
  return {
    get: async <T>(path: string) => (await call(path, { method: 'GET', headers: { cookie } })) as T,
    send: async <T>(method: string, path: string, body?: unknown) =>
      (await call(path, {
        method,
        headers: {
          cookie,
          'x-telltale-csrf': '1',
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })) as T,
  }
}
