'use strict';
// The nested stacks, which have the tables of modules with `stack`. CloudFormation reads their templates
// from the deployment bucket.
//
// A file is named after its content, and lies beside the folders of osls's deployments. So osls sees in
// the stack's own template whether a table has changed, and what an earlier template names is still there
// when that is used again. `osls remove` removes the files with all others.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const TYPE = 'AWS::CloudFormation::Stack';
/** The logical ids, which end in the number of the nested stack. */
const ID = /^Tables(\d+)$/;
/** As many hexadecimal digits of a hash tell contents apart. */
const DIGITS = 16;

/** The folder that osls packs everything in. */
const folderOf = (serverless) => path.join(serverless.serviceDir, '.serverless');

/**
 * Writes the templates, by their numbers, to the package, and has the resources of the nested stacks
 * name them where `uploadNested` puts them.
 */
function addNested(templates, serverless) {
  const { service } = serverless;
  const provider = serverless.getProvider('aws');
  const prefix = [provider.getDeploymentPrefix(), service.service, provider.getStage(), 'tables'];
  const Bucket = service.provider.deploymentBucket ?? {
    Ref: provider.naming.getDeploymentBucketLogicalId(),
  };
  for (const [number, template] of Object.entries(templates)) {
    const text = JSON.stringify(template);
    const hash = crypto.createHash('sha256').update(text).digest('hex').slice(0, DIGITS);
    const file = `${number}-${hash}.json`;
    fs.mkdirSync(folderOf(serverless), { recursive: true });
    fs.writeFileSync(path.join(folderOf(serverless), `tables-${file}`), text);
    const key = [...prefix, file].join('/');
    const url = `https://s3.\${AWS::Region}.\${AWS::URLSuffix}/\${Bucket}/${key}`;
    service.resources.Resources[`Tables${number}`].Properties.TemplateURL = {
      'Fn::Sub': [url, { Bucket }],
    };
  }
}

/** Uploads the templates that the stack's own names. `deploy` is the plug-in of osls that deploys. */
async function uploadNested(deploy) {
  const { provider, serverless } = deploy;
  const { Resources } = serverless.service.provider.compiledCloudFormationTemplate;
  for (const [id, { Type, Properties }] of Object.entries(Resources)) {
    if (Type !== TYPE || !ID.test(id)) continue;
    const [url] = Properties.TemplateURL['Fn::Sub'];
    const [, key] = url.split('${Bucket}/');
    const file = path.posix.basename(key);
    const text = fs.readFileSync(path.join(folderOf(serverless), `tables-${file}`), 'utf8');
    // osls's own upload, of another file to another folder.
    const uploading = Object.assign(Object.create(deploy), {
      provider: Object.assign(Object.create(provider), {
        naming: { getCompiledTemplateS3Suffix: () => file },
      }),
      serverless: {
        service: {
          package: { artifactDirectoryName: path.posix.dirname(key) },
          provider: {
            ...serverless.service.provider,
            compiledCloudFormationTemplate: JSON.parse(text),
          },
        },
      },
    });
    await uploading.uploadCloudFormationFile();
  }
}

module.exports = { addNested, uploadNested };
