#!/usr/bin/env node
'use strict';
// Makes the npm packages of binaries that are built: `modulo-rest`, with the plug-in of osls and the
// functions, and one for each platform, with the tool.
//
//   node packages/npm/pack.cjs --output DIR --tool linux-x64=PATH … --function x86_64=ZIP … --changes x86_64=ZIP …
//
// The tool of the platform that this runs on must be among them: it writes the manual pages.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { PLATFORMS, packageOf, platform: ownPlatform } = require('../../serverless/binary.cjs');
const manifest = require('./package.json');

const root = path.resolve(__dirname, '../..');
const LICENCES = ['LICENSE-MIT', 'LICENSE-APACHE'];
const USAGE =
  'usage: node packages/npm/pack.cjs --output DIR --tool PLATFORM=PATH … --function ARCH=ZIP … --changes ARCH=ZIP …\n' +
  `PLATFORM is one of ${PLATFORMS.join(', ')}; ${ownPlatform} must be among them`;

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** `NAME=PATH` of each, as an object. */
const byName = (values = []) =>
  Object.fromEntries(
    values.map((value) => {
      const [name, file] = value.split('=');
      return [name, path.resolve(file ?? fail(USAGE))];
    }),
  );

function readArguments() {
  const several = { type: 'string', multiple: true };
  const options = { output: { type: 'string' }, tool: several, function: several, changes: several };
  try {
    const { values } = parseArgs({ options });
    const tools = byName(values.tool);
    const functions = { bootstrap: byName(values.function), changes: byName(values.changes) };
    const isKnown = Object.keys(tools).every((name) => PLATFORMS.includes(name));
    if (!values.output || !isKnown || !tools[ownPlatform]) fail(USAGE);
    return { output: path.resolve(values.output), tools, functions };
  } catch (error) {
    return fail(`${error.message}\n${USAGE}`);
  }
}

/** That of the tool. */
const [, version] = /^version = "(.+)"$/m.exec(
  fs.readFileSync(path.join(root, 'Cargo.toml'), 'utf8'),
);

/** A folder with what every package has, for `npm pack`. */
function begin(parent, fields) {
  const folder = path.join(parent, fields.name);
  fs.mkdirSync(folder);
  fs.writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({ ...fields, version, license: manifest.license }, undefined, 2),
  );
  for (const licence of LICENCES) fs.copyFileSync(path.join(root, licence), path.join(folder, licence));
  return folder;
}

function pack(folder, output) {
  const options = ['--loglevel=error', '--pack-destination', output];
  execFileSync('npm', ['pack', ...options], { cwd: folder, stdio: 'inherit' });
}

function platformPackage(parent, name, tool) {
  const [platform, cpu] = name.split('-');
  const folder = begin(parent, {
    name: packageOf(name),
    description: `The \`modulo\` binary of modulo-rest for ${name}`,
    os: [platform],
    cpu: [cpu],
    ...(platform === 'linux' && { libc: ['glibc'] }),
    // For Yarn, which else leaves packages in their archives.
    preferUnplugged: true,
  });
  fs.mkdirSync(path.join(folder, 'bin'));
  const binary = path.join(folder, 'bin/modulo');
  fs.copyFileSync(tool, binary);
  fs.chmodSync(binary, 0o755);
  return folder;
}

function mainPackage(parent, tool, functions) {
  const pages = path.join(parent, 'man');
  execFileSync(tool, ['man', pages]);
  const folder = begin(parent, {
    ...manifest,
    man: fs.readdirSync(pages).map((page) => `man/${page}`),
    optionalDependencies: Object.fromEntries(PLATFORMS.map((name) => [packageOf(name), version])),
  });
  fs.cpSync(pages, path.join(folder, 'man'), { recursive: true });
  fs.copyFileSync(path.join(root, 'packages/README.md'), path.join(folder, 'README.md'));
  fs.cpSync(path.join(root, 'serverless'), path.join(folder, 'serverless'), { recursive: true });
  fs.mkdirSync(path.join(folder, 'functions'));
  for (const [program, zips] of Object.entries(functions)) {
    for (const [arch, zip] of Object.entries(zips)) {
      fs.copyFileSync(zip, path.join(folder, `functions/${program}-${arch}.zip`));
    }
  }
  return folder;
}

const { output, tools, functions } = readArguments();
fs.mkdirSync(output, { recursive: true });
const parent = fs.mkdtempSync(path.join(os.tmpdir(), 'modulo-npm-'));
try {
  for (const [name, tool] of Object.entries(tools)) pack(platformPackage(parent, name, tool), output);
  pack(mainPackage(parent, tools[ownPlatform], functions), output);
} finally {
  fs.rmSync(parent, { recursive: true });
}
