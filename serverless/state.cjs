'use strict';
// What keeps a command from going on though nothing of the service is wrong: credentials that AWS
// refuses, a place that does not answer, another deployment of the same stack. Each is a sentence that
// says how to go on; osls would show where in its code it happened.

const {
  DeleteChangeSetCommand,
  DescribeStacksCommand,
} = require('@aws-sdk/client-cloudformation');
const { emulatorEndpoint } = require('./emulator.cjs');
const { fail } = require('./tool.cjs');

/** A stack that something is being done to. One in review has a change set, and no more. */
const BUSY = /\b(?!REVIEW_)([A-Z]+_)+IN_PROGRESS\b/;

/** By the names of errors; src/aws/credentials.rs says the same. */
const REFUSALS = [
  [
    /^(CredentialsProviderError|AWS_CREDENTIALS_NOT_FOUND)$/,
    'cannot load AWS credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ' +
      'log in with `aws sso login`',
  ],
  [
    /^(ExpiredToken(Exception)?|RequestExpired)$/,
    'the AWS credentials have expired; log in again, for instance with `aws sso login`, or set new ones',
  ],
  [
    /^(InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSignatureException|AuthFailure)$/,
    'AWS does not accept the credentials; check AWS_PROFILE, or AWS_ACCESS_KEY_ID and ' +
      'AWS_SECRET_ACCESS_KEY, and the clock of this machine',
  ],
  [
    /^(AccessDenied(Exception)?|UnauthorizedOperation)$/,
    'the AWS credentials do not permit it; allow the action that AWS names, or use other credentials',
  ],
];
/** Where another deployment has executed its change set, or is about to. */
const OVERTAKEN = /^(ChangeSetNotFound|InvalidChangeSetStatus|AlreadyExists|OperationInProgress)(Exception)?$/;
const SILENT = /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/;

/** What there is to say of an error; nothing, if osls says it well. */
function explain(error, stack, stage) {
  // What osls throws may have the SDK's error in it.
  const errors = [error, error.providerError, error.cause].filter(Boolean);
  const names = errors.flatMap(({ name, code, Code }) => [name, code, Code]).map(String);
  const is = (pattern) => names.some((name) => pattern.test(name));
  const message = String(error.message);
  const cause = `\ncause: ${message.split('\n')[0]}`;
  const [, refusal] = REFUSALS.find(([pattern]) => is(pattern)) ?? [];
  if (refusal) return refusal + cause;
  if (is(SILENT)) {
    const endpoint = emulatorEndpoint(stage);
    return endpoint
      ? `the emulator at ${endpoint} no longer answers; start it again${cause}`
      : `AWS does not answer; check the network, and the region (AWS_REGION)${cause}`;
  }
  const [busy] = (is(/^ValidationError$/) && BUSY.exec(message)) || [];
  if (busy) return whileBusy(stack, busy);
  if (is(OVERTAKEN)) return whileBusy(stack);
  return undefined;
}

function whileBusy(stack, status) {
  const now = status ? ` (${status})` : '';
  return (
    `Another deployment of stack ${stack} is running${now}, or CloudFormation is ending one that was ` +
    'interrupted. It goes on, and this one has changed nothing: wait until it has ended, and deploy again'
  );
}

/**
 * Keeps two deployments of a stack apart: each has a change set of its own name, and executes it only
 * if nothing is being done to the stack. `deploy` is the plug-in of osls that deploys.
 */
function keepApart(deploy) {
  const { naming } = deploy.provider;
  const changeSet = `modulo-${Date.now()}-${process.pid}`;
  naming.getStackChangeSetName = () => changeSet;
  const wait = deploy.waitForChangeSetCreation;
  deploy.waitForChangeSetCreation = async (ChangeSetName, StackName) => {
    const description = await wait.call(deploy, ChangeSetName, StackName);
    const client = await deploy.provider.getCloudFormationClient();
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }));
    const [status] = BUSY.exec(Stacks[0].StackStatus) ?? [];
    if (status) {
      await client.send(new DeleteChangeSetCommand({ ChangeSetName, StackName }));
      fail(whileBusy(StackName, status));
    }
    return description;
  };
}

module.exports = { explain, keepApart };
