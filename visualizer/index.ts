export { connectVisualizer } from './connect.ts'
export type { VisualizerConnection } from './connect.ts'
export type { ConnectVisualizerOptions, Inspection, Visualizer, VisualizerOptions, VisualizerStats } from './options.ts'
export { createVisualizer } from './serve/server.ts'
