import { formatCount, unknown } from '../ui/format.ts'

type FacetProps = { label: string; count: number | undefined; isOn: boolean; onPress: () => void }

export function Facet({ label, count, isOn, onPress }: FacetProps) {
  return (
    <button type="button" className={isOn ? 'facet is-on' : 'facet'} aria-pressed={isOn} onClick={onPress}>
      {label} <b>{count === undefined ? unknown : formatCount(count)}</b>
    </button>
  )
}
