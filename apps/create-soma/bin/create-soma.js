#!/usr/bin/env node
/** `npm create soma`: the build alone, which is all that a published package has. */
await import(new URL('../dist/src/main.js', import.meta.url).href)
