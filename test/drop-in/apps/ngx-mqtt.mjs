import '@angular/compiler'

import { MqttService } from 'ngx-mqtt'
import { lastValueFrom } from 'rxjs'

/** Its service, which needs neither a component nor a DOM. The compiler is for the decorators of the package. */
export async function start(url, { into, out }, received) {
  const service = new MqttService({ url, clientId: 'ngx-mqtt', reconnectPeriod: 1_000 })
  const subscription = service.observe(into, { qos: 1 }).subscribe(({ payload }) => received(payload.toString()))
  return {
    send: (text) => lastValueFrom(service.publish(out, text, { qos: 1 }), { defaultValue: undefined }),
    stop: () => {
      subscription.unsubscribe()
      service.disconnect(true)
    },
  }
}
