'use strict';
// Runs the `modulo` binary, the only reader of modules.toml.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const root = path.dirname(__dirname);

/** The environment as the user has it: in stage `local`, osls gets another. */
const environment = { ...process.env };

const TOOL = process.platform === 'win32' ? 'modulo.exe' : 'modulo';

/**
 * Ends the deployment with a message and nothing else: thrown, osls would
 * repeat it for each variable that asked, with a stack trace.
 */
function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/**
 * Runs a command and returns its standard output, or shows it. What the command says on standard
 * error is always shown, and tells why it failed.
 */
function run(command, args, { env = {}, mend, mendFailure, show = false } = {}) {
  const { error, signal, status, stdout } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...environment, ...env },
    maxBuffer: 64 * 1024 * 1024,
    // What is shown goes where osls writes, so that standard output is the addresses' alone.
    stdio: ['ignore', show ? 2 : 'pipe', 'inherit'],
  });
  if (error?.code === 'ENOENT') fail(`\`${command}\` is not installed; ${mend}`);
  if (error) fail(`\`${command}\` did not run: ${error.message}`);
  if (signal) fail(`\`${command} ${args[0]}\` was ended by ${signal}`);
  if (status !== 0) {
    if (mendFailure) process.stderr.write(`${mendFailure}\n`);
    process.exit(status);
  }
  return stdout;
}

/** Runs `modulo`: the binary that MODULO_BIN names, else cargo's own build of it. */
function modulo(args, options = {}) {
  if (process.env.MODULO_BIN) {
    return run(path.resolve(process.env.MODULO_BIN), args, {
      ...options,
      mend: 'MODULO_BIN must be the path of the `modulo` binary',
    });
  }
  if (!fs.existsSync(path.join(root, 'Cargo.toml'))) {
    fail(
      'no `modulo` binary: set MODULO_BIN to the one attached to a release, ' +
        'or deploy from a clone of the repository with Rust installed',
    );
  }
  const mend = 'install Rust, or set MODULO_BIN and MODULO_ARTIFACT to the files of a release';
  // The first build takes minutes, in which cargo says what it does.
  const isBuilt = fs.existsSync(path.join(targetDirectory(), 'debug', TOOL));
  if (!isBuilt) run('cargo', ['build', '--bin', 'modulo'], { mend });
  return run('cargo', ['run', '--quiet', '--bin', 'modulo', '--', ...args], { ...options, mend });
}

let target;

/** cargo's own answer, since a user may have moved it. */
function targetDirectory() {
  const metadata = ['metadata', '--format-version=1', '--no-deps', '--offline'];
  target ??= JSON.parse(run('cargo', metadata, { mend: 'install Rust' })).target_directory;
  return target;
}

module.exports = { fail, modulo, root, run, targetDirectory };
