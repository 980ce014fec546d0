import { type RefObject, useEffect, useState } from 'react'
import { useMediaQuery } from '../ui/use-media-query.ts'

type Tip = { label: string; topPx: number; leftPx: number }

/** Where the side bar is a rail of icons, the name of the one under the pointer or with the focus (`data-tip`). */
export function RailTip({ of }: { of: RefObject<HTMLElement | null> }) {
  const isRail = useMediaQuery('(min-width: 768px) and (max-width: 1199px)')
  const [tip, setTip] = useState<Tip | null>(null)
  useEffect(() => {
    const bar = of.current
    if (!isRail || bar === null) return setTip(null)
    const show = ({ target, type }: Event) => {
      const item = target instanceof Element ? target.closest<HTMLElement>('[data-tip]') : null
      // A click leaves the focus there; the name is for those who came with the keyboard.
      if (item === null || (type === 'focusin' && !item.matches(':focus-visible'))) return setTip(null)
      const { top, height, right } = item.getBoundingClientRect()
      setTip({ label: item.dataset.tip ?? '', topPx: top + height / 2, leftPx: right })
    }
    const hide = () => setTip(null)
    const kinds = [
      ['pointerover', show],
      ['focusin', show],
      ['pointerleave', hide],
      ['focusout', hide],
      ['click', hide],
    ] as const
    for (const [kind, hear] of kinds) bar.addEventListener(kind, hear)
    return () => {
      for (const [kind, hear] of kinds) bar.removeEventListener(kind, hear)
    }
  }, [isRail, of])
  if (tip === null) return null
  // The names are in the links already; this is for eyes.
  return (
    <span className="railtip" style={{ top: tip.topPx, left: tip.leftPx }} aria-hidden="true">
      {tip.label}
    </span>
  )
}
