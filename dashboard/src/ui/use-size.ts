import { useLayoutEffect, useState } from 'react'

/** Known before the first paint, so that nothing shows up later than its frame, or in another size for a moment. */
export function useSize() {
  const [element, setElement] = useState<HTMLElement | null>(null)
  const [size, setSize] = useState({ width: 0, height: 0 })
  useLayoutEffect(() => {
    if (element === null) return
    const measure = () => {
      const { width, height } = element.getBoundingClientRect()
      setSize({ width: Math.floor(width), height: Math.floor(height) })
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [element])
  return { ref: setElement, ...size }
}
