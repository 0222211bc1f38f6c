// An app that has nothing more to do, and is connected to a visualizer.
import { connectVisualizer } from '../../visualizer/index.ts'
import { startLamp } from '../support/lamp.ts'

const feed = connectVisualizer(process.argv[2] ?? '')
startLamp(feed.inspect)
// Longer than it takes to connect.
setTimeout(() => console.log('nothing more to do'), 300)
