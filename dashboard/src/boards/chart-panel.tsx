import { useQueries, useQuery } from '@tanstack/react-query'
import { Chart } from '../charts/chart.tsx'
import { oneDevice } from '../devices/devices.ts'
import { typeList } from '../types/types.ts'
import { isNotFound } from './boards.ts'
import { GoneDevice, PanelFrame } from './panel-frame.tsx'
import { type PanelOf, panelName, plotHeightPx } from './panels.ts'

/** Lines of devices that are gone are left out and named; with none left the panel says so. */
export function ChartPanel({ panel }: { panel: PanelOf<'chart'> }) {
  const ids = [...new Set(panel.series.map(({ deviceId }) => deviceId))]
  const answers = useQueries({ queries: ids.map((id) => oneDevice(id)) })
  const gone = ids.filter((_, at) => isNotFound(answers[at]?.error))
  const names = new Map(ids.map((id, at) => [id, answers[at]?.data?.name ?? id]))
  const typeName = answers.find(({ data }) => data?.type != null)?.data?.type
  const type = useQuery(typeList).data?.find(({ name }) => name === typeName) ?? null
  const left = panel.series.filter(({ deviceId }) => !gone.includes(deviceId))
  const [first] = gone
  if (left.length === 0 && first !== undefined) {
    return (
      <PanelFrame panel={panel} title={panelName(panel)}>
        <GoneDevice deviceId={first} />
      </PanelFrame>
    )
  }
  // With lines of several devices a metric's name alone would not say whose it is.
  const isMixed = new Set(left.map(({ deviceId }) => deviceId)).size > 1
  const isOneMetric = new Set(left.map(({ metric }) => metric)).size === 1
  const series = left.map((one) => {
    if (one.label !== undefined || !isMixed) return one
    const name = names.get(one.deviceId) ?? one.deviceId
    return { ...one, label: isOneMetric ? name : `${name}, ${one.metric}` }
  })
  return (
    <div className="bchart">
      <Chart title={panelName(panel, type)} series={series} heightPx={plotHeightPx[panel.height]} />
      {gone.length > 0 && <p className="bpanel__note ink-warn">Not there any more: {gone.join(', ')}</p>}
    </div>
  )
}
