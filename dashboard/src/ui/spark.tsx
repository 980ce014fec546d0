import { type SparkPoint, sparkShape } from './sparkline.ts'

type SparkProps = {
  points: readonly SparkPoint[]
  from: number
  to: number
  width: number
  height: number
  accent?: boolean
  /** What its bottom stands for; without it, the least of its points. */
  low?: number
}

/** Decoration: the number beside it is the information. */
export function Spark({ points, from, to, width, height, accent = false, low }: SparkProps) {
  const shape = sparkShape(points, { width, height, from, to, low })
  return (
    <svg
      className={accent ? 'spark spark--accent' : 'spark'}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {shape === null ? (
        <path className="spark__none" d={`M2 ${height - 3}H${width - 3}`} />
      ) : (
        <>
          <path className="spark__fill" d={shape.fill} />
          <path d={shape.line} />
          {!accent && <path className="spark__end" d={`M${shape.end.x} ${shape.end.y}h0`} />}
        </>
      )}
    </svg>
  )
}
