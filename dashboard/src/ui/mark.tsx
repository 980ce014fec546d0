/** The product's mark: a lamp in a dark tile, lit only while the view is live. */
export function Mark({ lit }: { lit: boolean }) {
  return (
    <svg className="mark" viewBox="0 0 24 24" aria-hidden="true">
      <rect className="mark__tile" width="24" height="24" rx="7" />
      <circle className="mark__ring" cx="12" cy="12" r="7.4" />
      <circle className="mark__lamp" cx="12" cy="12" r="4.2" fillOpacity={lit ? 1 : 0.22} />
    </svg>
  )
}
