import { render } from 'preact'
import { Feed } from './feed.ts'
import { Store } from './model/store.ts'
import { App } from './ui/app.tsx'

const store = new Store()
const feed = new Feed(store, new URLSearchParams(location.search).get('token') ?? '')
const place = document.querySelector('#app')
if (place) render(<App store={store} feed={feed} />, place)
feed.open()
