import type { AnyRouter, RouterHistory } from '@tanstack/react-router'

const placesMax = 50
/** What a page shows may take some frames to be as tall as it was. */
const framesMax = 30

/**
 * Back and Forward lead to where the page had been scrolled to; a link leads to the top. An address that changes within
 * a page, as for a filter or a zoom, moves nothing: the router's own restoration would.
 */
export function keepScrollPlaces(router: AnyRouter): () => void {
  const places = new Map<string, number>()
  let isReturn = false
  window.history.scrollRestoration = 'manual'
  const history: RouterHistory = router.history
  const forgetHistory = history.subscribe(({ action }) => {
    isReturn = action.type === 'BACK' || action.type === 'FORWARD' || action.type === 'GO'
  })
  const forgetLeaving = router.subscribe('onBeforeLoad', ({ fromLocation }) => {
    if (fromLocation === undefined) return
    places.delete(keyOf(fromLocation))
    places.set(keyOf(fromLocation), window.scrollY)
    const [oldest] = places.keys()
    if (places.size > placesMax && oldest !== undefined) places.delete(oldest)
  })
  const forgetArrival = router.subscribe('onRendered', ({ fromLocation, toLocation, pathChanged }) => {
    if (fromLocation === undefined || !pathChanged) return
    const place = isReturn ? places.get(keyOf(toLocation)) : 0
    if (place !== undefined) scrollWhenTall(place, framesMax)
  })
  return () => {
    forgetHistory()
    forgetLeaving()
    forgetArrival()
  }
}

function keyOf({ href, state }: { href: string; state: { __TSR_key?: string } }): string {
  return state.__TSR_key ?? href
}

function scrollWhenTall(top: number, framesLeft: number): void {
  window.scrollTo({ top, behavior: 'instant' })
  if (Math.abs(window.scrollY - top) < 2 || framesLeft === 0) return
  requestAnimationFrame(() => scrollWhenTall(top, framesLeft - 1))
}
