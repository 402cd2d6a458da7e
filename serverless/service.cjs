'use strict';
// What the plug-in adds to its user's serverless.yml, as if it stood there. What that file says itself
// stays. osls resolves the variables: `${modulo:NAME}` is what modulo.cjs has under that name.

const defaults = require('./params.json');
const { isClone } = require('./tool.cjs');

const SERVICE = {
  params: {
    default: Object.fromEntries(
      Object.entries(defaults).map(([name, { default: value }]) => [name, value]),
    ),
  },
  // What plugin.cjs needs to know.
  custom: { modulo: '${modulo:params}' },
  provider: {
    runtime: 'provided.al2023',
    architecture: '${param:arch}',
    deploymentMethod: 'changesets',
    deploymentBucket: { blockPublicAccess: true },
    endpointType: 'regional',
    memorySize: '${param:memory}',
    timeout: '${param:timeout}',
    logRetentionInDays: '${param:log-retention}',
    tracing: { lambda: '${modulo:tracing}', apiGateway: '${modulo:tracing}' },
    environment: '${modulo:environment}',
    // Bodies reach the function as they were sent.
    apiGateway: { binaryMediaTypes: ['*/*'] },
    iam: { role: { statements: '${modulo:iam}', managedPolicies: '${modulo:policies}' } },
  },
  // osls empties its own folder before the function is built.
  package: { artifact: `${isClone ? 'target/deploy' : '.serverless'}/modulo-\${param:arch}.zip` },
  functions: {
    api: {
      handler: 'bootstrap',
      url: '${modulo:functionUrl}',
      events: '${modulo:events}',
    },
  },
  resources: ['${modulo:resources}'],
};

const isObject = (value) => Object(value) === value && !Array.isArray(value);
const VARIABLE = /^\$\{modulo:(\w+)\}$/;

/**
 * Adds SERVICE to the configuration. Returns what its user's file has where a variable of modulo is to
 * stand, by the variable's name.
 */
function extendService(serverless) {
  const own = {};
  const extend = (path, ours, theirs) => {
    const [, name] = VARIABLE.exec(ours) ?? [];
    if (isObject(ours) && (isObject(theirs) || theirs == null)) {
      for (const [key, value] of Object.entries(ours)) extend([...path, key], value, theirs?.[key]);
    } else if (Array.isArray(ours) && theirs != null) {
      serverless.extendConfiguration(path, [...ours, ...[theirs].flat()]);
    } else if (theirs == null || (name && Object(theirs) === theirs)) {
      if (theirs != null) own[name] = theirs;
      serverless.extendConfiguration(path, ours);
    }
  };
  // osls has put its own default there, so what its user says can't be told from it.
  serverless.extendConfiguration(['provider', 'versionFunctions'], false);
  for (const [key, value] of Object.entries(SERVICE)) {
    extend([key], value, serverless.configurationInput[key]);
  }
  return own;
}

/** A value of modulo, with what its user's file adds. */
function withOwn(value, own) {
  if (own === undefined) return value;
  return Array.isArray(value) ? [...value, ...[own].flat()] : { ...value, ...own };
}

module.exports = { extendService, withOwn };
