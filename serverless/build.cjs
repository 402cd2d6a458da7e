'use strict';
// The function's package: `bootstrap`, modules.toml and its schemas in a zip.

const fs = require('node:fs');
const path = require('node:path');
const { fail, modulo, root, run, targetDirectory } = require('./tool.cjs');

const TRIPLES = {
  x86_64: 'x86_64-unknown-linux-gnu',
  arm64: 'aarch64-unknown-linux-gnu',
};
const GLIBC = '2.34';
/** mimalloc has the time of its build in it; the same source is to give the same package. */
const SOURCE_DATE_EPOCH = process.env.SOURCE_DATE_EPOCH ?? '0';
const REQUIREMENTS = path.join(__dirname, 'requirements.txt');

/** Every function's feature; `complete` is all that there are, for any modules.toml. */
const FUNCTION = 'lambda';
const COMPLETE = 'complete';

/** Writes the package for an architecture to `output`, with the features that its modules need. */
function buildPackage(arch, features, output, profile = 'release') {
  const bootstrap = process.env.MODULO_ARTIFACT ?? buildBootstrap(arch, features, profile);
  fs.mkdirSync(path.dirname(path.resolve(root, output)), { recursive: true });
  modulo(['package', '--bootstrap', bootstrap, '--output', output]);
}

/** Builds the `bootstrap`, which is cargo's to skip when no code changed. */
function buildBootstrap(arch, features, profile) {
  const triple = TRIPLES[arch];
  if (!triple) {
    fail(`no architecture \`${arch}\`; --param arch= takes x86_64 or arm64`);
  }
  const { bin, python } = tools();
  run(
    path.join(bin, 'cargo-zigbuild'),
    [
      ...['zigbuild', '--profile', profile, '--target', `${triple}.${GLIBC}`],
      ...['--no-default-features', '--features', [FUNCTION, ...features].join(',')],
      ...['--bin', 'bootstrap'],
    ],
    {
      env: { CARGO_ZIGBUILD_PYTHON_PATH: python, SOURCE_DATE_EPOCH },
      mend: 'remove target/deploy-tools and deploy again',
    },
  );
  return path.join(targetDirectory(), triple, profile, 'bootstrap');
}

/** The pinned linker, in a Python environment that its requirements file names. */
function tools() {
  const home = path.join(targetDirectory(), 'deploy-tools');
  const bin = path.join(home, process.platform === 'win32' ? 'Scripts' : 'bin');
  const python = path.join(bin, 'python');
  const stamp = path.join(home, 'requirements.txt');
  const wanted = fs.readFileSync(REQUIREMENTS);
  if (!fs.existsSync(stamp) || !wanted.equals(fs.readFileSync(stamp))) {
    const mend = 'install Python 3, or set MODULO_ARTIFACT to the bootstrap zip of a release';
    const system = process.platform === 'win32' ? 'python' : 'python3';
    run(system, ['-m', 'venv', '--clear', home], { mend });
    run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', REQUIREMENTS], { mend });
    fs.writeFileSync(stamp, wanted);
  }
  return { bin, python };
}

if (require.main === module) {
  const [arch, output, profile] = process.argv.slice(2);
  if (arch === 'tools') {
    tools();
  } else if (output) {
    buildPackage(arch, [COMPLETE], output, profile);
  } else {
    fail('usage: node serverless/build.cjs tools, or x86_64|arm64 OUTPUT.zip [PROFILE]');
  }
}

module.exports = { buildPackage };
