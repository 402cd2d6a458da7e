'use strict';
// Runs the `modulo` binary, the only reader of modules.toml.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const root = path.dirname(__dirname);

/**
 * Ends the deployment with a message and nothing else: thrown, osls would
 * repeat it for each variable that asked, with a stack trace.
 */
function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** Runs a command and returns its standard output. What else it says is shown, and tells why it failed. */
function run(command, args, { env = {}, mend } = {}) {
  const { error, signal, status, stdout } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (error?.code === 'ENOENT') fail(`\`${command}\` is not installed; ${mend}`);
  if (error) fail(`\`${command}\` did not run: ${error.message}`);
  if (signal) fail(`\`${command} ${args[0]}\` was ended by ${signal}`);
  if (status !== 0) process.exit(status);
  return stdout;
}

/** Runs `modulo`: the binary that MODULO_BIN names, else cargo's own build of it. */
function modulo(...args) {
  if (process.env.MODULO_BIN) {
    return run(path.resolve(process.env.MODULO_BIN), args, {
      mend: 'MODULO_BIN must be the path of the `modulo` binary',
    });
  }
  if (!fs.existsSync(path.join(root, 'Cargo.toml'))) {
    fail(
      'no `modulo` binary: set MODULO_BIN to the one attached to a release, ' +
        'or deploy from a clone of the repository with Rust installed',
    );
  }
  return run('cargo', ['run', '--quiet', '--bin', 'modulo', '--', ...args], {
    mend: 'install Rust, or set MODULO_BIN and MODULO_ARTIFACT to the files of a release',
  });
}

module.exports = { fail, modulo, root, run };
