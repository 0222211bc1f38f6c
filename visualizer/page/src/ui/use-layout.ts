import { useEffect, useMemo, useState } from 'preact/hooks'

import type { Layout } from '../../../chart/layout.ts'
import { ourLayout } from '../../../chart/library-machines.ts'
import type { Chart } from '../../../chart/model.ts'

/** The layout of a chart. The library's machines have theirs at once; others are laid out when they are first shown. */
export function useLayout(chart: Chart): Layout | 'failed' | null {
  const ours = useMemo(() => ourLayout(chart), [chart])
  const [laidOut, setLaidOut] = useState<{ chart: Chart; layout: Layout | 'failed' } | null>(null)
  useEffect(() => {
    if (ours) return undefined
    let stale = false
    void (async () => {
      const layout = await laidOutBy(chart)
      if (!stale) setLaidOut({ chart, layout })
    })()
    return () => {
      stale = true
    }
  }, [chart, ours])
  return ours ?? (laidOut?.chart === chart ? laidOut.layout : null)
}

async function laidOutBy(chart: Chart): Promise<Layout | 'failed'> {
  try {
    const { layOut } = await import('../chart/elk.ts')
    return await layOut(chart)
  } catch {
    return 'failed'
  }
}
