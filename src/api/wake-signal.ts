/**
 * What wakes a client. The first four are events of a browser, and the last one exists in Node:
 *
 * - `online`: there is a network again
 * - `visibilitychange`: the page is visible again
 * - `resume`: the browser had frozen the page
 * - `pageshow`: the page comes from the back/forward cache
 * - `sleep`: the computer or the process was suspended for 5 s or longer, or its event loop was blocked for that long
 */
export type WakeSignal = 'online' | 'visibilitychange' | 'resume' | 'pageshow' | 'sleep'
