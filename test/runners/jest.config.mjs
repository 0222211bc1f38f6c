// The package has ES modules only. `NODE_OPTIONS=--experimental-vm-modules` lets jest load them as they are.
export default { displayName: 'ES modules', testMatch: ['<rootDir>/tests/jest.test.js'], transform: {} }
