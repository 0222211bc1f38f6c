/** The endpoints of AWS IoT Core, in all partitions. */
const AWS_IOT = /^\w+:\/\/[^/:]+\.iot(-fips)?\.[^/:.]+\.amazonaws\.com(\.cn)?(:\d+)?$/i

/** The quota "Subscriptions per subscribe request" of AWS IoT Core. It closes the connection on more. */
const AWS_IOT_FILTERS = 8

/**
 * How many topic filters a server accepts in one packet according to its documentation; `undefined` if it is not known.
 *
 * @param server - scheme, host and port, such as `mqtts://name-ats.iot.eu-west-1.amazonaws.com:8883`
 */
export function documentedBatchSize(server: string): number | undefined {
  return AWS_IOT.test(server) ? AWS_IOT_FILTERS : undefined
}
