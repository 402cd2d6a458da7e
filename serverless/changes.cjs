'use strict';
// The second function, which sends changes. `modulo resources` has all of it but its code and what the
// deployment's parameters and `serverless.yml` say. The package lies in the deployment bucket under a name that
// is made of its content, as the templates of nested stacks do.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { buildPackage, CHANGES } = require('./build.cjs');

const FUNCTION = 'ChangesLambdaFunction';
const ROLE = 'ChangesRole';
const LOG_GROUP = 'ChangesLogGroup';
const ALARM = 'AWS::CloudWatch::Alarm';
/** Where an emulator is. */
const ENDPOINT = 'AWS_ENDPOINT_URL';
/** What a function in a VPC has to do there. */
const NETWORK_POLICY = {
  'Fn::Sub': 'arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole',
};
/** As many hexadecimal digits of a hash tell packages apart. */
const DIGITS = 16;

const fileOf = (serverless) => path.join(serverless.serviceDir, '.serverless', 'changes.zip');

/** Builds the function's package, if a module tells of its changes. */
function buildChanges(serverless, features, { arch, function: kind }) {
  if (!(FUNCTION in serverless.service.resources.Resources)) return;
  buildPackage(CHANGES, arch, { kind, needed: features }, fileOf(serverless));
}

/** Adds what the deployment decides to the function, if there is one. Its secrets are in `variables`. */
function addChanges(serverless, variables, { arch, logRetention, alarmTopic, dashboard }) {
  const { functions, provider, resources } = serverless.service;
  const { [FUNCTION]: changes, [ROLE]: role, [LOG_GROUP]: logGroup } = resources.Resources;
  if (!changes) return;
  const aws = serverless.getProvider('aws');
  const content = fs.readFileSync(fileOf(serverless));
  const hash = crypto.createHash('sha256').update(content).digest('hex').slice(0, DIGITS);
  const prefix = [aws.getDeploymentPrefix(), serverless.service.service, aws.getStage(), 'changes'];
  Object.assign(changes.Properties, {
    Code: {
      S3Bucket: provider.deploymentBucket ?? { Ref: aws.naming.getDeploymentBucketLogicalId() },
      S3Key: [...prefix, `${hash}.zip`].join('/'),
    },
    Architectures: [arch],
  });
  const given = { ...provider.environment, ...functions.api.environment };
  for (const name of [ENDPOINT, ...variables]) {
    if (given[name] != null) changes.Properties.Environment.Variables[name] = given[name];
  }
  const { securityGroupIds, subnetIds } = { ...provider.vpc, ...functions.api.vpc };
  if (securityGroupIds && subnetIds) {
    changes.Properties.VpcConfig = { SecurityGroupIds: securityGroupIds, SubnetIds: subnetIds };
    (role.Properties.ManagedPolicyArns ??= []).push(NETWORK_POLICY);
  }
  logGroup.Properties.RetentionInDays = Number(logRetention);
  if (!dashboard) return;
  for (const { Type, Properties } of Object.values(resources.Resources)) {
    if (Type === ALARM) Properties.AlarmActions ??= alarmTopic ? [alarmTopic] : [];
  }
}

/** Uploads the package that the template names. `deploy` is the plug-in of osls that deploys. */
async function uploadChanges(deploy) {
  const { provider, serverless } = deploy;
  const { Resources } = serverless.service.provider.compiledCloudFormationTemplate;
  if (!(FUNCTION in Resources)) return;
  const { S3Key } = Resources[FUNCTION].Properties.Code;
  const named = path.join(path.dirname(fileOf(serverless)), path.posix.basename(S3Key));
  fs.copyFileSync(fileOf(serverless), named);
  await deploy.uploadZipFile({ filename: named, s3KeyDirname: path.posix.dirname(S3Key) });
  fs.rmSync(named);
}

module.exports = { addChanges, buildChanges, uploadChanges };
