'use strict';
// `--param NAME=VALUE`: which there are, and what the switches among them may say.

const { distance } = require('fastest-levenshtein');
const defaults = require('./params.json');
const { fail } = require('./tool.cjs');

const SWITCH = { true: true, yes: true, on: true, 1: true, false: false, no: false, off: false, 0: false };
/** A name with more typing mistakes is another name. */
const MOST_MISTAKES = 3;

/** Ends the deployment if a `--param` sets what neither modulo nor `params` of serverless.yml has. */
function checkNames(given = [], params = {}) {
  const known = new Set([defaults, ...Object.values(params)].flatMap((some) => Object.keys(some ?? {})));
  for (const param of given) {
    const [name] = param.split('=');
    if (known.has(name)) continue;
    const mistakes = (other) => distance(name, other);
    const [nearest] = [...known].sort((a, b) => mistakes(a) - mistakes(b));
    const suggestion = mistakes(nearest) <= MOST_MISTAKES ? `did you mean \`${nearest}\`? ` : '';
    fail(`unknown --param \`${name}\`; ${suggestion}expected one of ${[...known].sort().join(', ')}`);
  }
}

/** Whether a switch is on. */
async function isOn(resolveVariable, name) {
  const value = await resolveVariable(`param:${name}`);
  const on = SWITCH[String(value).trim().toLowerCase()];
  if (on === undefined) fail(`invalid --param \`${name}=${value}\`; expected yes or no`);
  return on;
}

module.exports = { checkNames, isOn };
