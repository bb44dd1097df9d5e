import { expect, it } from 'vitest'
import { lagLed } from './lag-led.ts'

const behind = (oldestAgeMs: number, isLagging = true) => ({ isLagging, oldestAgeMs })

it('EVT-R56 the light of delivery is amber when a reader lags and red when its oldest event is over four times the threshold', () => {
  expect(lagLed([], 1000)).toBe('green')
  expect(lagLed([behind(900, false), { isLagging: false, oldestAgeMs: null }], 1000)).toBe('green')
  expect(lagLed([behind(1001)], 1000)).toBe('amber')
  expect(lagLed([behind(4000)], 1000)).toBe('amber')
  expect(lagLed([behind(1500), behind(4001)], 1000)).toBe('red')
  // What stands ahead of an idle reader is not what it wants.
  expect(lagLed([behind(9000, false)], 1000)).toBe('green')
})
