'use strict';
// Runs the `modulo` binary, the only reader of modules.toml.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { packagedBinary, whyNone } = require('./binary.cjs');

/** The folder that the plug-in is in: that of a clone, or of the npm package. */
const home = path.dirname(__dirname);
const isClone = fs.existsSync(path.join(home, 'Cargo.toml'));

/** The user's project: osls runs in its folder. */
const project = process.cwd();

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
function run(command, args, { cwd = project, env = {}, mend, mendFailure, show = false } = {}) {
  const { error, signal, status, stdout } = spawnSync(command, args, {
    cwd,
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

/** Runs `modulo`: the binary that MODULO_BIN names, else the npm package's, else cargo's build of it. */
function modulo(args, options = {}) {
  const { MODULO_BIN } = process.env;
  const binary = MODULO_BIN ? path.resolve(MODULO_BIN) : packagedBinary();
  if (binary) {
    const mend = 'MODULO_BIN must be the path of the `modulo` binary';
    return run(binary, args, { ...options, mend });
  }
  if (!isClone) fail(`no \`modulo\` binary: ${whyNone()}`);
  const mend = 'install Rust, or set MODULO_BIN and MODULO_ARTIFACT to the files of a release';
  // The first build takes minutes, in which cargo says what it does.
  const isBuilt = fs.existsSync(path.join(targetDirectory(), 'debug', TOOL));
  if (!isBuilt) run('cargo', ['build', '--bin', 'modulo'], { cwd: home, mend });
  const cargo = ['run', '--quiet', '--manifest-path', path.join(home, 'Cargo.toml')];
  return run('cargo', [...cargo, '--bin', 'modulo', '--', ...args], { ...options, mend });
}

let target;

/** cargo's own answer, since a user may have moved it. */
function targetDirectory() {
  const metadata = ['metadata', '--format-version=1', '--no-deps', '--offline'];
  const options = { cwd: home, mend: 'install Rust' };
  target ??= JSON.parse(run('cargo', metadata, options)).target_directory;
  return target;
}

module.exports = { fail, home, isClone, modulo, project, run, targetDirectory };
