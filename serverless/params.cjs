'use strict';
// `--param NAME=VALUE`: which there are, and what each may say. params.json has them all; `modulo template`
// makes the parameters of its template of it, whose constraints are CloudFormation's own.

const { distance } = require('fastest-levenshtein');
const table = require('./params.json');
const { fail } = require('./tool.cjs');

const SWITCH = { true: true, yes: true, on: true, 1: true, false: false, no: false, off: false, 0: false };
/** A name with more typing mistakes is another name. */
const MOST_MISTAKES = 3;

/** Ends the deployment if a `--param` sets what neither modulo nor `params` of serverless.yml has. */
function checkNames(given = [], params = {}) {
  const known = new Set([table, ...Object.values(params)].flatMap((some) => Object.keys(some ?? {})));
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

/** Whether CloudFormation would take a value for a parameter with these constraints. */
function isPossible(value, { AllowedPattern, AllowedValues, MinValue, MaxValue }) {
  if (AllowedValues && !AllowedValues.some((allowed) => String(allowed) === value)) return false;
  if (AllowedPattern && !new RegExp(AllowedPattern).test(value)) return false;
  if (MinValue === undefined) return true;
  return /^\d+$/.test(value) && MinValue <= Number(value) && Number(value) <= MaxValue;
}

/** The value of a `--param`, which is checked; that of a switch is true or false. */
async function valueOf(resolveVariable, name) {
  const { default: usual, constraints = {}, expected } = table[name];
  if (typeof usual === 'boolean') return isOn(resolveVariable, name);
  const value = await resolveVariable(`param:${name}`);
  if (!isPossible(String(value), constraints)) {
    fail(`invalid --param \`${name}=${value}\`; expected ${expected}`);
  }
  return value;
}

/** All of them, by their names: `log-retention` is `logRetention`. */
async function values({ resolveVariable }) {
  const camelCase = (name) => name.replace(/-./g, ([, letter]) => letter.toUpperCase());
  const entries = Object.keys(table).map(async (name) => [
    camelCase(name),
    await valueOf(resolveVariable, name),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

module.exports = { checkNames, isOn, values };
