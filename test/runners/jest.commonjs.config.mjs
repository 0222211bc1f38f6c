// jest loads CommonJS: babel has to compile the package, too, which jest leaves as it is by default.
export default {
  displayName: 'CommonJS by babel',
  testMatch: ['<rootDir>/tests/jest.test.js'],
  transform: { '\\.[jt]s$': ['babel-jest', { presets: [['@babel/preset-env', { targets: { node: 'current' } }]] }] },
  transformIgnorePatterns: ['/node_modules/(?!xstate-mqtt/)'],
}
