'use strict';
// Parameters that osls has no setting for, and the permissions that it gives more widely than the
// function needs. `modulo template` has the same in its template.

const {
  APIGatewayClient,
  GetStageCommand,
  UpdateStageCommand,
} = require('@aws-sdk/client-api-gateway');
const { DescribeStackResourceCommand } = require('@aws-sdk/client-cloudformation');
const format = JSON.stringify(require('./access-log.json'));
const { fail } = require('./tool.cjs');

const ACCESS_LOG = 'ApiAccessLogGroup';
/** CloudWatch Logs lets API Gateway write to all groups of this prefix with one policy. */
const accessLogName = (naming) => `/aws/vendedlogs/apis/${naming.getStackName()}`;

/** Ends the deployment if one half of the limit is missing: API Gateway would take it for 0. */
function checkThrottle({ throttleRate: rate, throttleBurst: burst }) {
  if (Boolean(rate) === Boolean(burst)) return;
  const names = ['throttle-rate', 'throttle-burst'];
  const [given, missing] = rate ? names : names.reverse();
  fail(`--param \`${given}\` needs --param \`${missing}\`; add --param ${missing}=${rate || burst}`);
}

/** Adds what the parameters say to the template of a stack. */
function addSettings({ Resources }, params, provider) {
  const { naming } = provider;
  const { kmsKey, reservedConcurrency, throttleRate, throttleBurst } = params;
  const lambda = Resources[naming.getLambdaLogicalId('api')].Properties;
  const logGroup = Resources[naming.getLogGroupLogicalId('api')]?.Properties;
  const stage = Resources[naming.getHttpApiStageLogicalId()]?.Properties;
  const hasRestApi = naming.getRestApiLogicalId() in Resources;

  narrowLogs(Resources, provider);
  if (reservedConcurrency !== '') {
    lambda.ReservedConcurrentExecutions = Number(reservedConcurrency);
  }
  if (kmsKey) {
    lambda.KmsKeyArn = kmsKey;
    if (logGroup) logGroup.KmsKeyId = kmsKey;
  }
  if (params.accessLog && (stage || hasRestApi)) {
    Resources[ACCESS_LOG] = {
      Type: 'AWS::Logs::LogGroup',
      Properties: {
        LogGroupName: accessLogName(naming),
        RetentionInDays: Number(params.logRetention),
        ...(kmsKey && { KmsKeyId: kmsKey }),
      },
    };
  }
  if (params.accessLog && stage) {
    stage.AccessLogSettings = {
      DestinationArn: { 'Fn::GetAtt': [ACCESS_LOG, 'Arn'] },
      Format: format,
    };
  }
  if (throttleRate && stage) {
    stage.DefaultRouteSettings.ThrottlingRateLimit = Number(throttleRate);
    stage.DefaultRouteSettings.ThrottlingBurstLimit = Number(throttleBurst);
  }
}

/**
 * Lets the role write to the functions' own log groups. osls lets it make, and write to, each group
 * whose name begins as theirs do, in the first two statements.
 */
function narrowLogs(Resources, { naming, serverless }) {
  const role = Resources[naming.getRoleLogicalId()];
  // A user's own role is no resource of the stack.
  if (!role) return;
  const groups = serverless.service
    .getAllFunctions()
    .map((name) => naming.getLogGroupLogicalId(name))
    .filter((id) => id in Resources);
  if (groups.length === 0) return;
  const document = role.Properties.Policies[0].PolicyDocument;
  document.Statement.splice(0, 2, {
    Effect: 'Allow',
    Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    Resource: groups.map((id) => ({ 'Fn::GetAtt': [id, 'Arn'] })),
  });
}

/**
 * Gives the deployed REST API's stage the settings that an HTTP API's has by the template. The stage is
 * no resource of its own: it comes with each deployment of the API, and CloudFormation refuses a
 * deployment that says more of a stage that is there than its name.
 */
async function setRestStage({ accessLog, throttleRate, throttleBurst }, provider) {
  const { naming } = provider;
  const { Resources } = provider.serverless.service.provider.compiledCloudFormationTemplate;
  const LogicalResourceId = naming.getRestApiLogicalId();
  if (!(LogicalResourceId in Resources)) return;
  const cloudFormation = await provider.getCloudFormationClient();
  const { StackResourceDetail } = await cloudFormation.send(
    new DescribeStackResourceCommand({ StackName: naming.getStackName(), LogicalResourceId }),
  );
  const stage = {
    restApiId: StackResourceDetail.PhysicalResourceId,
    stageName: provider.getStage(),
  };
  const client = new APIGatewayClient(await provider.getAwsSdkV3Config());
  const { accessLogSettings } = await client.send(new GetStageCommand(stage));
  const { accountId, partition } = await provider.getAccountInfo();
  const logGroup = `arn:${partition}:logs:${provider.getRegion()}:${accountId}:log-group:${accessLogName(naming)}`;

  const replace = (path, value) => ({ op: 'replace', path, value });
  const patchOperations = [];
  if (throttleRate) {
    patchOperations.push(
      replace('/*/*/throttling/rateLimit', String(throttleRate)),
      replace('/*/*/throttling/burstLimit', String(throttleBurst)),
    );
  }
  if (accessLog) {
    patchOperations.push(
      replace('/accessLogSettings/destinationArn', logGroup),
      replace('/accessLogSettings/format', format),
    );
  } else if (accessLogSettings?.destinationArn === logGroup) {
    patchOperations.push({ op: 'remove', path: '/accessLogSettings' });
  }
  if (patchOperations.length > 0) {
    await client.send(new UpdateStageCommand({ ...stage, patchOperations })).catch(failOfRole);
  }
}

/** Says what API Gateway lacks in the account; any other error is thrown. */
function failOfRole(error) {
  if (!error.message.includes('CloudWatch Logs role ARN must be set')) throw error;
  fail(
    'All is deployed but the access log of the REST API: in this account and region, API Gateway has no ' +
      'role to write logs with. Give it one (`aws apigateway update-account`), then deploy again; or ' +
      'deploy with --param access-log=no or --param rest-api=no',
  );
}

module.exports = { addSettings, checkThrottle, setRestStage };
