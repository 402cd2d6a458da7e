'use strict';
// Hooks into osls: builds the package before osls takes it, and shows addresses that answer.

const { buildPackage } = require('./build.cjs');
const { emulatorAddresses, pointAtEmulator } = require('./emulator.cjs');

module.exports = class ModuloPlugin {
  constructor(serverless, options, { progress }) {
    this.serverless = serverless;
    this.stage = serverless.service.provider.stage;
    this.progress = progress;
    pointAtEmulator(this.stage);
    this.hooks = {
      'before:package:createDeploymentArtifacts': () => this.build(),
      'before:deploy:function:packageFunction': () => this.build(),
      'after:aws:info:displayEndpoints': () => this.showAddresses(),
    };
  }

  build() {
    const { provider, package: { artifact } } = this.serverless.service;
    const progress = this.progress.create({ message: 'Building the function' });
    try {
      buildPackage(provider.architecture, artifact);
    } finally {
      progress.remove();
    }
  }

  /** osls shows an emulator's endpoints under amazonaws.com, where nothing answers. */
  showAddresses() {
    if (!process.env.AWS_ENDPOINT_URL) return;
    const info = this.serverless.pluginManager.plugins.find((plugin) => plugin.gatheredData);
    const outputs = Object.fromEntries(
      info.gatheredData.outputs.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]),
    );
    this.serverless.serviceOutputs.delete('endpoint');
    this.serverless.serviceOutputs.set('endpoints', emulatorAddresses(outputs, this.stage));
  }
};
