'use strict';
// What a deployment takes from modules.toml and from its parameters: service.cjs has each as the
// variable `${modulo:NAME}`.

const { fail, modulo } = require('./tool.cjs');
const { basePath } = require('./domain.cjs');
const { functionEndpoint, hasHttpApis } = require('./emulator.cjs');
const { isOn, values } = require('./params.cjs');

/** The variable that names an OpenTelemetry collector. */
const COLLECTOR = 'OTEL_EXPORTER_OTLP_ENDPOINT';
/** The variable that is `service.base_path`. */
const BASE_PATH = 'MODULO__SERVICE__BASE_PATH';

const described = new Map();

/** What a run has asked `modulo` for already, by its arguments and variables. */
function ask(args, env = {}) {
  const question = JSON.stringify([args, env]);
  if (!described.has(question)) {
    described.set(question, JSON.parse(modulo(args, { env })));
  }
  return described.get(question);
}

/** What a stage's deployment needs. */
const resources = (stage, { env, kmsKey } = {}) =>
  ask(['resources', '--stage', stage, ...(kmsKey ? ['--kms-key', kmsKey] : [])], env);

async function describe(context) {
  const { resolveVariable } = context;
  const stage = await resolveVariable('sls:stage');
  const kmsKey = await resolveVariable('param:kms-key');
  return resources(stage, { env: await basePathVariable(context), kmsKey });
}

/**
 * `--param base-path` as `service.base_path`: an HTTP API does not take a mapped path off, so the
 * function must know it.
 */
async function basePathVariable({ resolveVariable }) {
  const path = basePath(await resolveVariable('param:base-path'));
  if (!path) return {};
  const own = resources(await resolveVariable('sls:stage')).resources.Metadata.modulo.service.base_path;
  if (own && own !== path) {
    fail(
      `--param \`base-path\` is ${path}, and \`base_path\` in [service] of modules.toml is ${own}; ` +
        'leave one of them out',
    );
  }
  return { [BASE_PATH]: path };
}

/** The features of Cargo that its function, with these variables, is built with. */
const features = (stage, environment) => [
  ...resources(stage).features,
  ...(environment[COLLECTOR] ? ['otlp'] : []),
];

/** Those of the function that sends changes, if there is one. */
const changesFeatures = (stage) => resources(stage).changes?.features ?? [];

/** The dashboard and the alarms, where they are wanted. */
async function dashboard({ resolveVariable }) {
  if (!(await isOn(resolveVariable, 'dashboard'))) return {};
  const topic = await resolveVariable('param:alarm-topic');
  const stage = await resolveVariable('sls:stage');
  return ask(['dashboard', '--stage', stage, ...(topic ? ['--topic', topic] : [])]).Resources;
}

/** The value of a switch, as serverless.yml takes it. */
const switchOf = (name) => ({ resolveVariable }) => isOn(resolveVariable, name);

module.exports = {
  BASE_PATH,
  changesFeatures,
  features,
  /** The templates of the nested stacks, by their numbers. */
  nestedStacks: (stage, kmsKey) => resources(stage, { kmsKey }).stacks ?? {},
  openModules: (stage) => resources(stage).open,
  variables: (stage) => resources(stage).variables,
  params: values,
  tracing: switchOf('tracing'),
  functionUrl: async ({ resolveVariable }) =>
    (await isOn(resolveVariable, 'function-url')) &&
    ((await resolveVariable('param:url-auth')) === 'AWS_IAM' ? { authorizer: 'aws_iam' } : true),
  // osls wants to know it before there are parameters.
  service: async ({ resolveVariable }) => resources(await resolveVariable('sls:stage')).service,
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
      ...(await basePathVariable({ resolveVariable })),
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
