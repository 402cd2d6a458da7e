'use strict';
// Hooks into osls: says where a stage goes and what a deployment would change before anything is
// built, builds the package before osls takes it, and shows addresses that answer.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { BOOTSTRAP, buildPackage, checkFunction } = require('./build.cjs');
const { addChanges, buildChanges, uploadChanges } = require('./changes.cjs');
const {
  addDomain,
  checkAddressStays,
  checkDomain,
  DOMAIN_TARGET,
  DOMAIN_URL,
} = require('./domain.cjs');
const emulator = require('./emulator.cjs');
const { importTables } = require('./import.cjs');
const values = require('./modulo.cjs');
const { addNested, uploadNested } = require('./nested.cjs');
const { checkNames } = require('./params.cjs');
const { extendService, withOwn } = require('./service.cjs');
const { addSettings, checkThrottle, setRestStage } = require('./settings.cjs');
const { explain, keepApart } = require('./state.cjs');
const { fail, modulo } = require('./tool.cjs');

const { BASE_PATH, changesFeatures, features, nestedStacks, openModules, variables } = values;

/** The commands that ask AWS, or its emulator, for something. */
const ONLINE = new Set(['deploy', 'info', 'logs', 'remove', 'rollback', 'url']);
/** As many of the open modules are named; the others are counted. */
const MOST_NAMED = 20;

module.exports = class ModuloPlugin {
  constructor(serverless, options, { log }) {
    this.serverless = serverless;
    this.options = options;
    this.log = log;
    // osls puts `--stage` into the service's configuration only after this.
    this.stage = options.stage ?? serverless.service.provider.stage;
    checkNames(options.param, serverless.configurationInput.params);
    emulator.pointAtEmulator(this.stage);
    // osls supports Node.js 20, and brings the version of the SDK that does.
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
    this.configurationVariablesSources = {
      modulo: {
        resolve: async ({ address, resolveVariable }) => ({
          value: withOwn(await values[address]({ resolveVariable }), this.own[address]),
        }),
      },
    };
    this.commands = {
      url: {
        usage: 'Print the addresses of the deployed function, one a line: its domain, then its function URL',
        lifecycleEvents: ['print'],
      },
    };
    this.hooks = {
      initialize: async () => {
        this.checkParams();
        await this.plan().catch((error) => {
          this.explain(error);
          throw error;
        });
      },
      error: (error) => this.explain(error),
      'before:remove:remove': () => this.leaveRegistryAlone(),
      'before:package:createDeploymentArtifacts': () => this.build(),
      'before:package:finalize': () => this.completeTemplate(),
      'before:aws:deploy:deploy:createStack': () => keepApart(this.deployer()),
      'before:aws:deploy:deploy:updateStack': async () => {
        if (this.serverless.service.provider.shouldNotDeploy) return;
        await uploadNested(this.deployer());
        await uploadChanges(this.deployer());
        await this.importTables();
      },
      'before:deploy:function:packageFunction': () => this.build(),
      'after:deploy:deploy': () => setRestStage(this.params, this.serverless.getProvider('aws')),
      'after:aws:info:displayEndpoints': () => this.showAddresses(),
      'url:print': () => this.printAddresses(),
    };
  }

  /** Before serverless.yml asks for what takes time. */
  async asyncInit() {
    this.own = extendService(this.serverless);
    const [command] = this.serverless.processedInput.commands;
    if (!ONLINE.has(command)) return;
    const detours = emulator.detours(this.stage);
    if (detours.length > 0) {
      const variables = detours.join(' ');
      this.log.warning(`Stage ${this.stage} does not go to AWS: the environment has ${variables}`);
    }
    const endpoint = emulator.emulatorEndpoint(this.stage);
    if (!endpoint || (await emulator.answers(endpoint))) return;
    fail(
      `No emulator of AWS answers at ${endpoint}. Start one:\n` +
        '  docker compose up --detach --wait                       the one of compose.yml\n' +
        '  BIND_HOST=127.0.0.1 ministack                           without containers, after `pipx install ministack`\n' +
        'One that listens elsewhere is named in AWS_ENDPOINT_URL.',
    );
  }

  /** The values of all `--param`s. */
  get params() {
    return this.serverless.service.custom.modulo;
  }

  checkParams() {
    const region = this.serverless.getProvider('aws').getRegion();
    const { events } = this.serverless.service.functions.api;
    checkDomain(this.params, region, events.length > 0);
    checkThrottle(this.params);
    checkFunction(this.params.function);
  }

  /** Before what its user's `resources` say is merged into the template, and wins. */
  completeTemplate() {
    const provider = this.serverless.getProvider('aws');
    const template = this.serverless.service.provider.compiledCloudFormationTemplate;
    addSettings(template, this.params, provider);
    if (this.params.domain) addDomain(template, this.params, provider);
    addNested(nestedStacks(this.stage, this.params.kmsKey), this.serverless);
    addChanges(this.serverless, variables(this.stage), this.params);
  }

  /** Ends a deployment that would fail, or that breaks data or clients and is not said to be meant to. */
  async plan() {
    const [command, part] = this.serverless.processedInput.commands;
    if (command !== 'deploy' || part === 'list') return;
    const provider = this.serverless.getProvider('aws');
    const credentials = await provider.getAwsSdkV3CredentialsProvider()();
    const { acceptBreaking, alarmTopic, dashboard } = this.params;
    const basePath = this.serverless.service.provider.environment[BASE_PATH];
    const endpoint = emulator.emulatorEndpoint(this.stage);
    const isLocal = emulator.isLocal(this.stage);
    if (!isLocal && !acceptBreaking) await checkAddressStays(this.params, provider);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'modulo-'));
    process.once('exit', () => fs.rmSync(folder, { recursive: true }));
    const imports = path.join(folder, 'imports.json');
    const args = [
      ...['plan', '--stage', this.stage],
      ...(isLocal ? ['--endpoint-url', endpoint] : []),
      ...(isLocal || acceptBreaking ? ['--accept-breaking'] : []),
      ...['--variables', this.variables().join(',')],
      ...['--imports', imports],
      ...(dashboard ? ['--dashboard'] : []),
      ...(dashboard && alarmTopic ? ['--topic', alarmTopic] : []),
    ];
    modulo(args, {
      show: true,
      // The same account and region as osls has by its own rules.
      env: {
        AWS_REGION: provider.getRegion(),
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
        AWS_SESSION_TOKEN: credentials.sessionToken,
        // As the function will have it.
        ...(basePath && { [BASE_PATH]: basePath }),
      },
      mendFailure:
        'Nothing was built or deployed. Edits that break data or clients are deployed with ' +
        '`--param accept-breaking=true`.',
    });
    this.imports = JSON.parse(fs.readFileSync(imports, 'utf8'));
    // Tables that are to be imported are a change, whatever osls sees of the template.
    if (Object.keys(this.imports).length > 0) this.options.force = true;
  }

  async importTables() {
    if (Object.keys(this.imports).length === 0) return;
    this.log.notice('Importing the tables that are there already');
    await importTables(this.deployer(), this.imports);
  }

  /** Ends a command in a sentence where osls would show where in its code an error came from. */
  explain(error) {
    const stack = this.serverless.getProvider('aws').naming.getStackName();
    const sentence = explain(error, stack, this.stage);
    if (sentence) fail(sentence);
  }

  /** modulo pushes no image, and emulators without ECR fail where osls asks for one. */
  leaveRegistryAlone() {
    const remover = this.plugin('checkIfEcrRepositoryExists');
    remover.checkIfEcrRepositoryExists = async () => false;
  }

  /** The names of the variables that the function will have; an empty one is as good as none. */
  variables() {
    const { provider, functions } = this.serverless.service;
    const all = Object.entries({ ...provider.environment, ...functions.api.environment });
    return all.filter(([, value]) => value !== null && value !== '').map(([name]) => name);
  }

  /** Of a deployment, the plan tells it. */
  warnOfMissingVariables() {
    const given = this.variables();
    for (const name of variables(this.stage).filter((name) => !given.includes(name))) {
      this.log.warning(
        `The function has no variable ${name}, from which a guard reads its secret: requests with ` +
          'a token would be answered 500. In serverless.yml, add to functions.api: ' +
          `environment: { ${name}: "\${env:${name}}" }`,
      );
    }
  }

  build() {
    const { provider, package: { artifact } } = this.serverless.service;
    if (this.serverless.processedInput.commands[0] === 'package') this.warnOfMissingVariables();
    this.log.notice('Building the function');
    const needed = features(this.stage, provider.environment);
    buildPackage(BOOTSTRAP, provider.architecture, { kind: this.params.function, needed }, artifact);
    buildChanges(this.serverless, changesFeatures(this.stage), this.params);
  }

  /** osls shows an emulator's endpoints under amazonaws.com, where nothing answers. */
  showAddresses() {
    const { serviceOutputs } = this.serverless;
    serviceOutputs.delete('endpoint');
    serviceOutputs.set('endpoints', this.addresses());
    const { [DOMAIN_URL]: url, [DOMAIN_TARGET]: target } = this.outputs();
    if (target) serviceOutputs.set('DNS record to make', [`${new URL(url).hostname} CNAME ${target}`]);
    const open = openModules(this.stage);
    if (open.length === 0) return;
    const more = open.length - MOST_NAMED;
    serviceOutputs.set('open to everybody who knows an endpoint', [
      ...open.slice(0, MOST_NAMED),
      ...(more > 0 ? [`and ${more} more`] : []),
    ]);
  }

  async printAddresses() {
    await this.serverless.pluginManager.spawn('aws:info');
    process.stdout.write(this.addresses().map((address) => `${address}\n`).join(''));
  }

  addresses() {
    return emulator.addresses(this.outputs(), this.stage);
  }

  /** The stack's outputs, which osls has gathered, by their names. */
  outputs() {
    const { outputs } = this.plugin('gatheredData').gatheredData;
    const byKey = outputs.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]);
    return Object.fromEntries(byKey);
  }

  /** The plug-in of osls that deploys. */
  deployer() {
    return this.plugin('uploadCloudFormationFile');
  }

  /** The plug-in of osls that has a member. */
  plugin(member) {
    return this.serverless.pluginManager.plugins.find((plugin) => plugin[member]);
  }
};
