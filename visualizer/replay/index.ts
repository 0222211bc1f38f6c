export { serveRecording, TooLargeError } from './serve-recording.ts'
