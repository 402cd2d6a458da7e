#!/usr/bin/env node
'use strict';
// The `modulo` command of the npm package: runs the binary in its place.

const { spawn } = require('node:child_process');
const os = require('node:os');
const path = require('node:path');
const { packagedBinary, whyNone } = require('./binary.cjs');

/** Shells add a signal's number to this, for the status of a process that the signal has ended. */
const SIGNALLED = 128;

const { MODULO_BIN } = process.env;
const binary = MODULO_BIN ? path.resolve(MODULO_BIN) : packagedBinary();
if (!binary) {
  process.stderr.write(`${whyNone()}\n`);
  process.exit(1);
}
const child = spawn(binary, process.argv.slice(2), { stdio: 'inherit' });

// A terminal sends SIGINT to both processes, and `modulo serve` takes a second one as "at once".
const hasTerminal = process.stdin.isTTY;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !hasTerminal) child.kill(signal);
  });
}

child.on('error', (error) => {
  process.stderr.write(`\`${binary}\` did not run: ${error.message}\n`);
  process.exit(1);
});
child.on('exit', (status, signal) => {
  process.exit(signal ? SIGNALLED + os.constants.signals[signal] : status);
});
