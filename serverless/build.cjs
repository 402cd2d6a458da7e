'use strict';
// The packages of the functions: a binary, modules.toml and its schemas in a zip. A clone builds the
// binaries; the npm package has one of each for each architecture.

const fs = require('node:fs');
const path = require('node:path');
const { fail, home, isClone, modulo, project, run, targetDirectory } = require('./tool.cjs');

const TRIPLES = {
  x86_64: 'x86_64-unknown-linux-gnu',
  arm64: 'aarch64-unknown-linux-gnu',
};
const GLIBC = '2.34';
/** mimalloc has the time of its build in it; the same source is to give the same package. */
const SOURCE_DATE_EPOCH = process.env.SOURCE_DATE_EPOCH ?? '0';
const REQUIREMENTS = path.join(__dirname, 'requirements.txt');

/**
 * The programs: each with its Cargo feature, the variable that names a package to be taken in its place,
 * and the option of `modulo package` that takes it.
 */
const BOOTSTRAP = { bin: 'bootstrap', feature: 'lambda', given: 'MODULO_ARTIFACT' };
const CHANGES = { bin: 'changes', feature: 'changes', given: 'MODULO_CHANGES_ARTIFACT' };

/** All features that there are, for any modules.toml. */
const COMPLETE = 'complete';

/** `--param function`: with what the modules need, which a clone has if nothing is said, or with all. */
const MINIMAL = 'minimal';

/** Ends the deployment if the parameter asks for a function that there can't be. */
function checkFunction(kind) {
  if (kind === MINIMAL && !isClone && !process.env.MODULO_ARTIFACT) {
    fail(
      '--param `function=minimal` compiles the function, for which a deployment needs a clone of ' +
        'modulo and Rust; the npm package has the complete function: leave the parameter out',
    );
  }
}

/**
 * Writes the package of a program for an architecture to `output`. A binary that has to be built gets the
 * features that its modules need, or all.
 */
function buildPackage(program, arch, { kind, needed }, output, profile = 'release') {
  if (!TRIPLES[arch]) fail(`no architecture \`${arch}\`; --param arch= takes x86_64 or arm64`);
  const features = kind === COMPLETE ? [COMPLETE] : needed;
  const built =
    process.env[program.given] ??
    packaged(program, arch) ??
    build([program], arch, features, profile)[0];
  pack(program, built, output);
}

/** Puts a binary, or the zip that has it, together with modules.toml. */
function pack({ bin }, built, output) {
  fs.mkdirSync(path.dirname(path.resolve(project, output)), { recursive: true });
  modulo(['package', `--${bin}`, built, '--output', output]);
}

/** The zip with the npm package's binary, or nothing in a clone. */
function packaged({ bin, given }, arch) {
  if (isClone) return undefined;
  const zip = path.join(home, 'functions', `${bin}-${arch}.zip`);
  if (!fs.existsSync(zip)) fail(`no \`${zip}\`: install modulo-rest again, or set ${given}`);
  return zip;
}

/** Builds binaries with the same features, which is cargo's to skip when no code changed. */
function build(programs, arch, features, profile) {
  const triple = TRIPLES[arch];
  const { bin, python } = tools();
  const own = programs.map(({ feature }) => feature);
  run(
    path.join(bin, 'cargo-zigbuild'),
    [
      ...['zigbuild', '--profile', profile, '--target', `${triple}.${GLIBC}`],
      ...['--no-default-features', '--features', [...own, ...features].join(',')],
      ...programs.flatMap((program) => ['--bin', program.bin]),
    ],
    {
      cwd: home,
      env: { CARGO_ZIGBUILD_PYTHON_PATH: python, SOURCE_DATE_EPOCH },
      mend: 'remove target/deploy-tools and deploy again',
    },
  );
  const folder = path.join(targetDirectory(), triple, profile);
  return programs.map((program) => path.join(folder, program.bin));
}

/** The pinned linker, in a Python environment that its requirements file names. */
function tools() {
  const venv = path.join(targetDirectory(), 'deploy-tools');
  const bin = path.join(venv, process.platform === 'win32' ? 'Scripts' : 'bin');
  const python = path.join(bin, 'python');
  const stamp = path.join(venv, 'requirements.txt');
  const wanted = fs.readFileSync(REQUIREMENTS);
  if (!fs.existsSync(stamp) || !wanted.equals(fs.readFileSync(stamp))) {
    const mend = 'install Python 3, or set MODULO_ARTIFACT to the bootstrap zip of a release';
    const system = process.platform === 'win32' ? 'python' : 'python3';
    run(system, ['-m', 'venv', '--clear', venv], { mend });
    run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', REQUIREMENTS], { mend });
    fs.writeFileSync(stamp, wanted);
  }
  return { bin, python };
}

if (require.main === module) {
  const [arch, output, profile, changes] = process.argv.slice(2);
  if (arch === 'tools') {
    tools();
  } else if (changes) {
    const programs = [BOOTSTRAP, CHANGES];
    const outputs = [output, changes];
    const built = build(programs, arch, [COMPLETE], profile);
    programs.forEach((program, at) => pack(program, built[at], outputs[at]));
  } else if (output) {
    buildPackage(BOOTSTRAP, arch, { kind: COMPLETE }, output, profile);
  } else {
    fail(
      'usage: node serverless/build.cjs tools, or ' +
        'x86_64|arm64 OUTPUT.zip [PROFILE [OUTPUT-OF-CHANGES.zip]]',
    );
  }
}

module.exports = { BOOTSTRAP, buildPackage, CHANGES, checkFunction };
