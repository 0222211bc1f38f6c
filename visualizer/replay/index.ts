export { serveRecording, TooLargeError } from './serve-recording.ts'
export { type SetBack, setBacksOf } from './set-backs.ts'
