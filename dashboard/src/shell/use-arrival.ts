import { useRouter } from '@tanstack/react-router'
import { useEffect } from 'react'

/** Whoever does not see the page change hears it: the focus goes to the heading of the new one. */
export function useArrival(): void {
  const router = useRouter()
  useEffect(() => {
    let leave = () => {}
    const forget = router.subscribe('onRendered', ({ fromLocation, pathChanged }) => {
      // The first page is read from its beginning, as any page is.
      if (fromLocation === undefined || !pathChanged) return
      leave()
      leave = arrive()
    })
    return () => {
      forget()
      leave()
    }
  }, [router])
}

function arrive(): () => void {
  const main = document.getElementById('main')
  const active = document.activeElement
  // A field that wants to be filled in first has taken the focus already.
  if (main === null || (active?.matches('input, textarea, select') && main.contains(active))) return () => {}
  let heading = focusHeading(main)
  // A page that knows more by now may have drawn its heading anew, which loses the focus; until the person goes on.
  const observer = new MutationObserver(() => {
    if (!heading.isConnected && document.activeElement === document.body) heading = focusHeading(main)
  })
  observer.observe(main, { childList: true, subtree: true })
  const leave = () => {
    observer.disconnect()
    window.removeEventListener('keydown', leave, true)
    window.removeEventListener('pointerdown', leave, true)
  }
  window.addEventListener('keydown', leave, true)
  window.addEventListener('pointerdown', leave, true)
  return leave
}

function focusHeading(main: HTMLElement): HTMLElement {
  const heading = main.querySelector('h1') ?? main
  heading.setAttribute('tabindex', '-1')
  heading.focus({ preventScroll: true })
  return heading
}
