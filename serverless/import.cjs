'use strict';
// Takes tables that are there already into the stack: a change set with `ImportExistingResources`,
// before the deployment's own.
//
// The import changes nothing of a table, and what a later update changes CloudFormation finds by
// comparing two templates, not a template with a table. So the import's template is the deployed one
// with the tables as they are now, and the deployment's own update brings what is wanted. If that
// fails, the stack has the tables, and nothing else has changed.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-import-resolve-drift.html

const { setTimeout: sleep } = require('node:timers/promises');
const {
  DeleteChangeSetCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
  paginateDescribeChangeSet,
} = require('@aws-sdk/client-cloudformation');
const { fail } = require('./tool.cjs');

/** As often does osls look at a stack. */
const FREQUENCY_MS = 5_000;
/** A stack that imports only can end in a status of its own. */
const DONE = /^(CREATE|UPDATE|IMPORT)_COMPLETE$/;

/**
 * Imports `tables`, by logical ids, into the deployed stack. `deploy` is the plug-in of osls that
 * deploys; its template is uploaded already.
 */
async function importTables(deploy, tables) {
  const client = await deploy.provider.getCloudFormationClient();
  const StackName = deploy.provider.naming.getStackName();
  const { TemplateBody } = await client.send(new GetTemplateCommand({ StackName }));
  const deployed = JSON.parse(TemplateBody);

  // osls's own update, but for these members.
  const importing = Object.assign(Object.create(deploy), {
    getCreateChangeSetParams: (options) => ({
      ...deploy.getCreateChangeSetParams(options),
      ImportExistingResources: true,
    }),
    waitForChangeSetCreation: async (ChangeSetName, ...others) => {
      const description = await deploy.waitForChangeSetCreation(ChangeSetName, ...others);
      await checkImports(client, { ChangeSetName, StackName }, tables);
      return description;
    },
    // osls's own does not know the statuses of imports.
    monitorStack: () => untilDone(client, StackName),
  });

  const { provider } = deploy.serverless.service;
  const wanted = provider.compiledCloudFormationTemplate;
  provider.compiledCloudFormationTemplate = {
    ...deployed,
    Resources: { ...deployed.Resources, ...tables },
  };
  await importing.uploadCloudFormationFile();
  await importing.update();
  provider.compiledCloudFormationTemplate = wanted;
  await deploy.uploadCloudFormationFile();
}

/**
 * Ends the deployment if a change set does not import one of the tables: LocalStack ignores
 * `ImportExistingResources`, and would make an empty table in its place.
 */
async function checkImports(client, changeSet, tables) {
  const imported = new Set();
  for await (const { Changes } of paginateDescribeChangeSet({ client }, changeSet)) {
    for (const { ResourceChange } of Changes ?? []) {
      if (ResourceChange.Action === 'Import') imported.add(ResourceChange.LogicalResourceId);
    }
  }
  const wrong = Object.keys(tables).filter((id) => !imported.has(id));
  if (wrong.length === 0) return;
  await client.send(new DeleteChangeSetCommand(changeSet));
  const names = wrong.map((id) => `\`${tables[id].Properties.TableName}\``);
  fail(
    `CloudFormation would not import ${names.join(', ')}, but make an empty table in its place, as ` +
      'does an emulator that cannot import, such as LocalStack. No table was touched. Say ' +
      '`create = false` in modules.toml to use the table as it is, or deploy to ministack or AWS',
  );
}

/** Waits until a stack is at rest, and ends the deployment if it is not as the change set wanted it. */
async function untilDone(client, StackName) {
  for (;;) {
    await sleep(Number(process.env.SLS_AWS_MONITORING_FREQUENCY) || FREQUENCY_MS);
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }));
    const { StackStatus, StackStatusReason } = Stacks[0];
    if (DONE.test(StackStatus)) return StackStatus;
    if (StackStatus.endsWith('_IN_PROGRESS')) continue;
    const reason = StackStatusReason ? `: ${StackStatusReason}` : '';
    fail(
      `The import of tables into stack ${StackName} ended in ${StackStatus}${reason}; the tables are ` +
        "as before, and the stack's events say why",
    );
  }
}

module.exports = { importTables };
