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
  // With a host name S3 puts the bucket in front of it, where it does not resolve.
  env.AWS_ENDPOINT_URL = (env.AWS_ENDPOINT_URL || 'http://127.0.0.1:4566').replace(
    /^(https?:\/\/)localhost\b/,
    '$1127.0.0.1',
  );
  env.AWS_ACCESS_KEY_ID ||= 'test';
  env.AWS_SECRET_ACCESS_KEY ||= 'test';
  // An emulator is done in a moment; osls looks every 5 s by itself.
  env.SLS_AWS_MONITORING_FREQUENCY ||= '500';
}

/** DynamoDB's address as the function sees it, or none where it has one already. */
async function functionEndpoint(stage) {
  if (stage !== LOCAL) return undefined;
  const endpoint = process.env.AWS_ENDPOINT_URL;
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
 * The addresses that answer on this machine, from the stack's outputs, which
 * on an emulator bear the names that AWS would give.
 */
function emulatorAddresses(outputs, stage) {
  const base = process.env.AWS_ENDPOINT_URL;
  const id = (url) => new URL(url).hostname.split('.')[0];
  const [url, rest, http] = [
    outputs.ApiLambdaFunctionUrl,
    outputs.ServiceEndpoint,
    outputs.HttpApiUrl,
  ];
  return [
    url && (url.includes('.on.aws') ? `${base}/_aws/lambda-url/${id(url)}` : url),
    rest && `${base}/restapis/${id(rest)}/${stage}/_user_request_`,
    http && `${base}/_aws/execute-api/${id(http)}`,
  ].filter(Boolean);
}

module.exports = { LOCAL, emulatorAddresses, functionEndpoint, pointAtEmulator };
