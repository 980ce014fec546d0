import type { ReactNode } from 'react'

export type LampShape =
  | 'online'
  | 'silent'
  | 'offline'
  | 'never'
  | 'disabled'
  | 'alarm'
  | 'busy'
  | 'done'
  | 'fail'
export type LampTone = 'ok' | 'warn' | 'bad' | 'off' | 'on'

const ring = { fill: 'none', stroke: 'currentColor' }

/** Five shapes and a few marks, so colour never speaks alone. */
const shapes: Record<LampShape, ReactNode> = {
  online: (
    <>
      <circle cx="6" cy="6" r="3.1" fill="currentColor" />
      <circle cx="6" cy="6" r="5.25" {...ring} strokeOpacity=".38" />
    </>
  ),
  silent: (
    <>
      <circle cx="6" cy="6" r="4.75" {...ring} strokeWidth="1.4" />
      <path d="M2.9 6a3.1 3.1 0 0 0 6.2 0z" fill="currentColor" />
    </>
  ),
  offline: (
    <>
      <circle cx="6" cy="6" r="4.75" {...ring} strokeWidth="1.5" />
      <path d="m2.8 9.2 6.4-6.4" {...ring} strokeWidth="1.5" />
    </>
  ),
  never: <circle cx="6" cy="6" r="4.75" {...ring} strokeWidth="1.4" strokeDasharray="2.2 2.05" />,
  disabled: (
    <>
      <circle cx="6" cy="6" r="4.75" {...ring} strokeWidth="1.4" />
      <path d="M3.6 6h4.8" {...ring} strokeWidth="1.6" />
    </>
  ),
  alarm: (
    <>
      <path d="M6 .9 11.6 11H.4z" {...ring} fill="currentColor" strokeWidth=".8" strokeLinejoin="round" />
      <path d="M6 4.4v3.1M6 9.1v.1" stroke="var(--surface)" strokeWidth="1.35" strokeLinecap="round" />
    </>
  ),
  busy: (
    <>
      <circle cx="6" cy="6" r="4.75" {...ring} strokeWidth="1.4" strokeOpacity=".34" />
      <path d="M6 1.25A4.75 4.75 0 0 1 8.4 10.1" {...ring} strokeWidth="1.8" strokeLinecap="round" />
    </>
  ),
  done: (
    <>
      <circle cx="6" cy="6" r="5.5" fill="currentColor" />
      <path
        d="m3.5 6.2 1.7 1.7 3.3-3.7"
        fill="none"
        stroke="var(--surface)"
        strokeWidth="1.4"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </>
  ),
  fail: (
    <>
      <rect x=".7" y=".7" width="10.6" height="10.6" rx="2.4" fill="currentColor" />
      <path d="m4 4 4 4M8 4 4 8" stroke="var(--surface)" strokeWidth="1.5" strokeLinecap="round" />
    </>
  ),
}

const usualTone: Record<LampShape, LampTone> = {
  online: 'ok',
  silent: 'warn',
  offline: 'bad',
  never: 'off',
  disabled: 'off',
  alarm: 'bad',
  busy: 'on',
  done: 'ok',
  fail: 'bad',
}

type LampProps = { shape: LampShape; tone?: LampTone; size?: 'lg' | 'xl'; className?: string }

/** Decoration beside a word that says the same; the word is what a screen reader hears. */
export function Lamp({ shape, tone = usualTone[shape], size, className = '' }: LampProps) {
  const classes = ['lamp', `is-${tone}`, size && `lamp--${size}`, shape === 'busy' && 'lamp--busy', className]
  return (
    <svg className={classes.filter(Boolean).join(' ')} viewBox="0 0 12 12" aria-hidden="true">
      {shapes[shape]}
    </svg>
  )
}
