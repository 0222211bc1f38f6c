export { connectVisualizer } from './connect.ts'
export type { ConnectVisualizerOptions, VisualizerConnection } from './connect.ts'
export type { Inspection, Visualizer, VisualizerOptions, VisualizerStats } from './options.ts'
export { createVisualizer } from './server.ts'
