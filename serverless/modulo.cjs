'use strict';
// What serverless.yml takes from modules.toml, as `${file(…):name}` variables.

const { modulo } = require('./tool.cjs');
const { functionEndpoint } = require('./emulator.cjs');

const described = new Map();

/** `modulo resources` for the stage: asked once a run. */
async function describe({ resolveVariable }) {
  const stage = await resolveVariable('sls:stage');
  if (!described.has(stage)) {
    described.set(stage, JSON.parse(modulo('resources', '--stage', stage)));
  }
  return described.get(stage);
}

const isOn = async (resolveVariable, name) =>
  String(await resolveVariable(`param:${name}`)) === 'true';

module.exports = {
  service: async (context) => (await describe(context)).service,
  resources: async (context) => (await describe(context)).resources,
  iam: async (context) => (await describe(context)).iam,

  environment: async ({ resolveVariable }) => {
    const stage = await resolveVariable('sls:stage');
    const endpoint = await functionEndpoint(stage);
    return { MODULO_STAGE: stage, ...(endpoint && { AWS_ENDPOINT_URL: endpoint }) };
  },

  events: async ({ resolveVariable }) => [
    // `{proxy+}` does not match `/`.
    ...((await isOn(resolveVariable, 'rest-api'))
      ? [{ http: 'ANY /' }, { http: 'ANY /{proxy+}' }]
      : []),
    ...((await isOn(resolveVariable, 'http-api')) ? [{ httpApi: '*' }] : []),
  ],
};
