'use strict';
// Stage `local` is an emulator of AWS on this machine, never AWS itself. Any other stage goes where
// its user's environment says, which is AWS unless `AWS_ENDPOINT_URL` names an emulator.

const { DOMAIN_URL } = require('./domain.cjs');

const LOCAL = 'local';
const ENDPOINT = 'AWS_ENDPOINT_URL';
const DEFAULT_ENDPOINT = 'http://127.0.0.1:4566';
/** If it is `true`, osls does without all endpoints of the environment. */
const IGNORE = 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS';
const ANSWERS_WITHIN_MS = 10_000;

/** A profile has credentials of an account. */
const PROFILES = ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE'];
/** osls sends even what is for this machine through a proxy. */
const PROXIES = ['proxy', 'HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy'];

const isLocal = (stage) => stage === LOCAL;

/**
 * Points osls at the stage's emulator, if it has one. In stage `local` it has credentials that open
 * nothing, and no setting of the environment can bring the deployment into an account.
 */
function pointAtEmulator(stage) {
  const { env } = process;
  const endpoint = emulatorEndpoint(stage);
  if (endpoint) env[ENDPOINT] = endpoint;
  if (!isLocal(stage)) return;
  const ofServices = Object.keys(env).filter((name) => name.startsWith(`${ENDPOINT}_`));
  for (const name of [...ofServices, ...PROFILES, ...PROXIES]) delete env[name];
  // A configuration file can say it, too.
  env[IGNORE] = 'false';
  env.AWS_ACCESS_KEY_ID ||= 'test';
  env.AWS_SECRET_ACCESS_KEY ||= 'test';
  // An emulator is done in a moment; osls looks every 5 s by itself.
  env.SLS_AWS_MONITORING_FREQUENCY ||= '500';
}

/** The address of the emulator that a stage is deployed to, or nothing if that is AWS. */
function emulatorEndpoint(stage) {
  const { env } = process;
  const endpoint = isLocal(stage)
    ? env[ENDPOINT] || DEFAULT_ENDPOINT
    : env[IGNORE] !== 'true' && env[ENDPOINT];
  if (!endpoint) return undefined;
  // With a host name S3 puts the bucket in front of it, where it does not resolve.
  return endpoint.replace(/\/$/, '').replace(/^(https?:\/\/)localhost\b/, '$1127.0.0.1');
}

/** The variables that lead a stage other than `local` past AWS, as `NAME=URL`. */
function detours(stage) {
  const { env } = process;
  if (isLocal(stage) || env[IGNORE] === 'true') return [];
  return Object.entries(env)
    .filter(([name, value]) => name.startsWith(ENDPOINT) && value)
    .map(([name, value]) => `${name}=${value}`);
}

/** Whether anything answers at an address. */
async function answers(endpoint) {
  try {
    await fetch(endpoint, { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) });
    return true;
  } catch {
    return false;
  }
}

/** DynamoDB's address as the function sees it, or nothing where it has one already. */
async function functionEndpoint(stage) {
  if (!isLocal(stage)) return undefined;
  const endpoint = emulatorEndpoint(stage);
  // LocalStack runs functions in containers, where 127.0.0.1 is not LocalStack, and gives each its
  // address; ministack runs them as processes beside itself.
  return (await localStack(endpoint)) ? undefined : endpoint;
}

/** LocalStack has HTTP APIs only with a licence. */
async function hasHttpApis(stage) {
  const endpoint = emulatorEndpoint(stage);
  return !endpoint || (await localStack(endpoint))?.edition !== 'community';
}

/** What LocalStack says of itself, if it is LocalStack that answers. */
async function localStack(endpoint) {
  try {
    const answer = await fetch(`${endpoint}/_localstack/info`, {
      signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
    });
    return answer.ok ? await answer.json() : undefined;
  } catch {
    // `osls package` needs no emulator; what needs one says that none answers.
    return undefined;
  }
}

/** The outputs of the stack that name the front doors, in the order in which they are shown. */
const DOORS = ['ApiLambdaFunctionUrl', 'ServiceEndpoint', 'HttpApiUrl'];

/**
 * Where a deployed function answers: its own domain, its function URL, REST API and HTTP API, as far
 * as it has them. To an emulator no domain leads.
 */
function addresses(outputs, stage) {
  const endpoint = emulatorEndpoint(stage);
  return [...(endpoint ? [] : [DOMAIN_URL]), ...DOORS]
    .filter((door) => outputs[door])
    .map((door) => (endpoint ? addressAt(endpoint, door, outputs[door], stage) : outputs[door]))
    .map((address) => address.replace(/\/$/, ''));
}

/**
 * Where a door of an emulator answers. ministack gives the names that AWS would give, which lead to
 * AWS; on the machine itself the path says what the name would. LocalStack gives names of its own,
 * with the port that it has inside its container, and REST APIs an `https` that no client trusts.
 */
function addressAt(endpoint, door, address, stage) {
  const { hostname } = new URL(address);
  const [id] = hostname.split('.');
  if (door === 'ServiceEndpoint') return `${endpoint}/restapis/${id}/${stage}/_user_request_`;
  if (/\.(amazonaws\.com|on\.aws)$/.test(hostname)) {
    const service = door === 'HttpApiUrl' ? 'execute-api' : 'lambda-url';
    return `${endpoint}/_aws/${service}/${id}`;
  }
  const { protocol, port } = new URL(endpoint);
  return `${protocol}//${hostname}${port && `:${port}`}`;
}

module.exports = {
  addresses,
  answers,
  detours,
  emulatorEndpoint,
  functionEndpoint,
  hasHttpApis,
  isLocal,
  pointAtEmulator,
};
