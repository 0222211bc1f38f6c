/** @jsxImportSource react */
import { Alarms } from './alarms.tsx'
import { Connection } from './connection.tsx'
import { OutageButton } from './outage-button.tsx'
import { sensors } from './plant.ts'
import { Pump } from './pump.tsx'
import { SensorCard } from './sensor-card.tsx'

export function Dashboard() {
  return (
    <>
      <header className="top">
        <div className="title">
          <h1>Cooling water</h1>
          <p>Hall 3</p>
        </div>
        <Connection />
      </header>
      <main>
        <section aria-labelledby="sensors">
          <h2 id="sensors">Sensors</h2>
          <ul className="sensors">
            {sensors.map((sensor) => (
              <SensorCard key={sensor.id} sensor={sensor} />
            ))}
          </ul>
        </section>
        <div className="side">
          <Alarms />
          <Pump />
          {import.meta.env.VITE_DEMO && <OutageButton />}
        </div>
      </main>
    </>
  )
}
