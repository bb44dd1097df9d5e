import { expect, it } from 'vitest'
import { missingPlatforms, withPlatforms } from './lock-platforms.ts'

const lock = {
  packages: {
    'node_modules/fast': {
      version: '1.2.0',
      dev: true,
      optionalDependencies: {
        '@fast/linux-x64-musl': '1.2.0',
        '@fast/binding-win32-ia32-msvc': '1.2.0',
        '@fast/linux-x64': '1.2.0',
        tuned: '3.0.0',
      },
    },
    'node_modules/@fast/linux-x64': { version: '1.2.0', optional: true },
  },
}

it('adds the platforms that a locked package names, read from their names', () => {
  expect(missingPlatforms(lock)).toEqual({
    'node_modules/@fast/linux-x64-musl': {
      version: '1.2.0',
      cpu: ['x64'],
      dev: true,
      libc: ['musl'],
      optional: true,
      os: ['linux'],
    },
    'node_modules/@fast/binding-win32-ia32-msvc': {
      version: '1.2.0',
      cpu: ['ia32'],
      dev: true,
      optional: true,
      os: ['win32'],
    },
  })
})

it('finds nothing missing in what it wrote', () => {
  expect(missingPlatforms(withPlatforms(lock))).toEqual({})
})
