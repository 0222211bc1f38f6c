// jest-environment-jsdom takes what packages have for browsers. Of MQTT.js, that is a script, which CommonJS cannot load:
// https://github.com/mqttjs/MQTT.js/issues/1838
import commonJs from './jest.commonjs.config.mjs'

export default {
  ...commonJs,
  displayName: 'jsdom',
  testEnvironment: 'jsdom',
  testEnvironmentOptions: { customExportConditions: ['node', 'node-addons'] },
  testMatch: ['<rootDir>/tests/jsdom.test.js'],
}
