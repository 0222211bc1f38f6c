import { render } from 'preact'

import { Store } from './model/store.ts'
import { App } from './ui/app.tsx'
import { ViewerSocket } from './viewer-socket.ts'

const store = new Store()
const source = new ViewerSocket(store, new URLSearchParams(location.search).get('token') ?? '')
const place = document.querySelector('#app')
if (place) render(<App store={store} source={source} />, place)
source.open()
