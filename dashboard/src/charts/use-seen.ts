import { useEffect, useState } from 'react'

/** Ready before it is scrolled into view. */
const rootMargin = '240px 0px'

/** Whether an element is on the screen or close to it, and whether it ever was. */
export function useSeen() {
  const [element, setElement] = useState<HTMLElement | null>(null)
  const [isSeen, setSeen] = useState(false)
  const [wasSeen, setWasSeen] = useState(false)
  useEffect(() => {
    if (element === null) return
    const observer = new IntersectionObserver(
      (entries) => {
        const isNear = entries.at(-1)?.isIntersecting ?? false
        setSeen(isNear)
        if (isNear) setWasSeen(true)
      },
      { rootMargin },
    )
    observer.observe(element)
    return () => observer.disconnect()
  }, [element])
  return { ref: setElement, element, isSeen, wasSeen }
}
