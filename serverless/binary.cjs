'use strict';
// The `modulo` binary that the npm package has for this platform, in a package of its own. npm installs
// the one whose `os`, `cpu` and `libc` fit.

const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-arm64'];
const platform = `${process.platform}-${process.arch}`;

/** The name of a platform's package. */
const packageOf = (name) => `modulo-rest-${name}`;

/** The path of the binary, or nothing where its package is not installed. */
function packagedBinary() {
  try {
    return require.resolve(`${packageOf(platform)}/bin/modulo`);
  } catch {
    return undefined;
  }
}

/** Why there is none, and what to do. */
function whyNone() {
  if (PLATFORMS.includes(platform)) {
    return (
      `The package ${packageOf(platform)} is not installed. npm leaves it out with --omit=optional, ` +
      'and on Linux without glibc, such as Alpine; run `npm install --include=optional`, or set ' +
      'MODULO_BIN to a `modulo` that you have built'
    );
  }
  const elsewhere =
    process.platform === 'win32'
      ? 'modulo does not run on Windows; use WSL'
      : 'build it with `cargo install`, and set MODULO_BIN to it';
  return `There is no \`modulo\` for ${platform}, only for ${PLATFORMS.join(', ')}; ${elsewhere}`;
}

module.exports = { PLATFORMS, packagedBinary, packageOf, platform, whyNone };
