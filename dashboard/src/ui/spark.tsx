import { type SparkPoint, sparkShape } from './sparkline.ts'

type SparkProps = {
  points: readonly SparkPoint[]
  from: number
  to: number
  width: number
  height: number
  accent?: boolean
}

/** Decoration: the number beside it is the information. */
export function Spark({ points, from, to, width, height, accent = false }: SparkProps) {
  const shape = sparkShape(points, { width, height, from, to })
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
          {!accent && <circle cx={shape.end.x} cy={shape.end.y} r="2" />}
        </>
      )}
    </svg>
  )
}
