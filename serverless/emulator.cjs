'use strict';
// Stage `local` is an emulator of AWS on this machine, never AWS itself.

const LOCAL = 'local';

/**
 * Points the deployment of stage `local` at the emulator, with credentials
 * that open nothing: a deploy to `local` can't end up in an account by mistake.
 */
function pointAtEmulator(stage) {
  const { env } = process;
  if (stage !== LOCAL) return;
  env.AWS_ENDPOINT_URL = emulatorEndpoint();
  env.AWS_ACCESS_KEY_ID ||= 'test';
  env.AWS_SECRET_ACCESS_KEY ||= 'test';
  // An emulator is done in a moment; osls looks every 5 s by itself.
  env.SLS_AWS_MONITORING_FREQUENCY ||= '500';
}

/** The emulator's address: the one of the environment, else where emulators listen. */
function emulatorEndpoint() {
  const endpoint = process.env.AWS_ENDPOINT_URL || 'http://127.0.0.1:4566';
  // With a host name S3 puts the bucket in front of it, where it does not resolve.
  return endpoint.replace(/^(https?:\/\/)localhost\b/, '$1127.0.0.1');
}

/** DynamoDB's address as the function sees it, or none where it has one already. */
async function functionEndpoint(stage) {
  if (stage !== LOCAL) return undefined;
  // Asked for while serverless.yml is read, which is before the plug-in points at the emulator.
  const endpoint = emulatorEndpoint();
  return (await isLocalStack(endpoint)) ? undefined : endpoint;
}

/**
 * LocalStack runs functions in containers, where 127.0.0.1 is not LocalStack,
 * and gives each its address; ministack runs them as processes beside itself.
 */
async function isLocalStack(endpoint) {
  try {
    const answer = await fetch(`${endpoint}/_localstack/info`, {
      signal: AbortSignal.timeout(5000),
    });
    return answer.ok;
  } catch {
    // `osls package` needs no emulator; what needs one says that none answers.
    return false;
  }
}

/**
 * Where an address of the stack answers. Emulators give the names that AWS would give, which lead
 * to AWS; on the machine itself the path says what the name would.
 */
function emulatorAddress(address, stage) {
  const base = process.env.AWS_ENDPOINT_URL;
  const { hostname } = new URL(address);
  const [id, service] = hostname.split('.');
  if (!base || !/\.(amazonaws\.com|on\.aws)$/.test(hostname)) return address;
  if (service === 'lambda-url') return `${base}/_aws/lambda-url/${id}`;
  // Only a REST API has its stage in the path.
  const isRest = address.endsWith(`/${stage}`);
  return isRest ? `${base}/restapis/${id}/${stage}/_user_request_` : `${base}/_aws/execute-api/${id}`;
}

module.exports = { emulatorAddress, functionEndpoint, pointAtEmulator };
