export { serveRecording, TooLargeError, type ServeRecordingOptions } from './serve-recording.ts'
