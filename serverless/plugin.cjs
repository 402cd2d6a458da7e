'use strict';
// Hooks into osls: builds the package before osls takes it, and shows addresses that answer.

const { buildPackage } = require('./build.cjs');
const { emulatorAddress, pointAtEmulator } = require('./emulator.cjs');
const { features } = require('./modulo.cjs');

module.exports = class ModuloPlugin {
  constructor(serverless, options, { progress }) {
    this.serverless = serverless;
    this.stage = serverless.service.provider.stage;
    this.progress = progress;
    pointAtEmulator(this.stage);
    this.commands = {
      url: {
        usage: 'Print the addresses of the deployed function, one a line, its function URL first',
        lifecycleEvents: ['print'],
      },
    };
    this.hooks = {
      'before:package:createDeploymentArtifacts': () => this.build(),
      'before:deploy:function:packageFunction': () => this.build(),
      'after:aws:info:displayEndpoints': () => this.showAddresses(),
      'url:print': () => this.printAddresses(),
    };
  }

  build() {
    const { provider, package: { artifact } } = this.serverless.service;
    const progress = this.progress.create({ message: 'Building the function' });
    try {
      const needed = features(this.stage, provider.environment);
      buildPackage(provider.architecture, needed, artifact);
    } finally {
      progress.remove();
    }
  }

  /** osls shows an emulator's endpoints under amazonaws.com, where nothing answers. */
  showAddresses() {
    this.serverless.serviceOutputs.delete('endpoint');
    this.serverless.serviceOutputs.set('endpoints', this.addresses());
  }

  async printAddresses() {
    await this.serverless.pluginManager.spawn('aws:info');
    process.stdout.write(this.addresses().map((address) => `${address}\n`).join(''));
  }

  /** From the stack's outputs, which osls has gathered. */
  addresses() {
    const info = this.serverless.pluginManager.plugins.find((plugin) => plugin.gatheredData);
    const outputs = Object.fromEntries(
      info.gatheredData.outputs.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]),
    );
    const addresses = [
      outputs.ApiLambdaFunctionUrl,
      outputs.ServiceEndpoint,
      outputs.HttpApiUrl,
    ].filter(Boolean);
    return addresses.map((address) => emulatorAddress(address, this.stage).replace(/\/$/, ''));
  }
};
