'use strict';
// What serverless.yml takes from modules.toml, as `${file(…):name}` variables.

const { modulo } = require('./tool.cjs');
const { functionEndpoint, hasHttpApis } = require('./emulator.cjs');
const { isOn } = require('./params.cjs');

/** The variable that names an OpenTelemetry collector. */
const COLLECTOR = 'OTEL_EXPORTER_OTLP_ENDPOINT';

const described = new Map();

/** What a run has asked `modulo` for already, by its arguments. */
function ask(...args) {
  const question = args.join(' ');
  if (!described.has(question)) {
    described.set(question, JSON.parse(modulo(args)));
  }
  return described.get(question);
}

const describe = async ({ resolveVariable }) => resources(await resolveVariable('sls:stage'));

/** What a stage's deployment needs. */
const resources = (stage) => ask('resources', '--stage', stage);

/** The features of Cargo that its function, with these variables, is built with. */
const features = (stage, environment) => [
  ...resources(stage).features,
  ...(environment[COLLECTOR] ? ['otlp'] : []),
];

/** The dashboard and the alarms, where they are wanted. */
async function dashboard({ resolveVariable }) {
  if (!(await isOn(resolveVariable, 'dashboard'))) return {};
  const topic = await resolveVariable('param:alarm-topic');
  const stage = await resolveVariable('sls:stage');
  return ask('dashboard', '--stage', stage, ...(topic ? ['--topic', topic] : [])).Resources;
}

/** The value of a switch, as serverless.yml takes it. */
const switchOf = (name) => ({ resolveVariable }) => isOn(resolveVariable, name);

module.exports = {
  features,
  openModules: (stage) => resources(stage).open,
  variables: (stage) => resources(stage).variables,
  acceptBreaking: switchOf('accept-breaking'),
  functionUrl: switchOf('function-url'),
  hasDashboard: switchOf('dashboard'),
  tracing: switchOf('tracing'),
  service: async (context) => (await describe(context)).service,
  resources: async (context) => {
    const { Resources, ...others } = (await describe(context)).resources;
    return { ...others, Resources: { ...Resources, ...(await dashboard(context)) } };
  },
  iam: async (context) => (await describe(context)).iam,
  policies: async (context) => (await describe(context)).policies,

  environment: async ({ resolveVariable }) => {
    const stage = await resolveVariable('sls:stage');
    const endpoint = await functionEndpoint(stage);
    const collector = await resolveVariable('param:otlp');
    return {
      MODULO_STAGE: stage,
      ...(endpoint && { AWS_ENDPOINT_URL: endpoint }),
      ...(collector && { [COLLECTOR]: collector }),
    };
  },

  events: async ({ resolveVariable }) => {
    const restApi = await isOn(resolveVariable, 'rest-api');
    const httpApi =
      (await isOn(resolveVariable, 'http-api')) &&
      (await hasHttpApis(await resolveVariable('sls:stage')));
    return [
      // `{proxy+}` does not match `/`.
      ...(restApi ? [{ http: 'ANY /' }, { http: 'ANY /{proxy+}' }] : []),
      ...(httpApi ? [{ httpApi: '*' }] : []),
    ];
  },
};
