export type Route = 'page' | 'asset' | 'loose'

type Asked = Pick<Request, 'method' | 'mode' | 'url'>

/** Addresses of the API's own that a person may open as a page. */
const ofTheApi = /^\/(api|docs|openapi\.json|metrics|livez|readyz)(\/|$)/

/** Null: the worker keeps out of it. */
export function routeOf(
  { method, mode, url }: Asked,
  origin: string,
  shellFiles: readonly string[],
): Route | null {
  const { pathname, origin: asked } = new URL(url)
  if (method !== 'GET' || asked !== origin || ofTheApi.test(pathname)) return null
  if (mode === 'navigate') return 'page'
  if (pathname.startsWith('/assets/')) return 'asset'
  return pathname !== '/' && shellFiles.includes(pathname) ? 'loose' : null
}

/** Kept for an older build: nothing asks for them any more. */
export function lostAssets(kept: readonly string[], ofThisBuild: readonly string[]): string[] {
  return kept.filter((path) => !ofThisBuild.includes(path))
}
