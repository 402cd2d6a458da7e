'use strict';
// `--param domain=…`: the API under a name of one's own.

const { DescribeStacksCommand } = require('@aws-sdk/client-cloudformation');
const { fail } = require('./tool.cjs');

const DOMAIN = 'ApiDomain';
/** The outputs with its address and, without a zone, with what a DNS record must lead to. */
const DOMAIN_URL = 'ApiDomainUrl';
const DOMAIN_TARGET = 'ApiDomainTarget';

/** The base path as `service.base_path` has it, or nothing. */
const basePath = (param) => (param ? `/${String(param).replace(/^\//, '')}` : undefined);

/** The address that the API gets, if it gets one. */
const addressOf = ({ domain, basePath: path }) =>
  domain ? `https://${domain}${basePath(path) ?? ''}` : undefined;

/** Ends the deployment if the API is deployed at an address that it would no longer have. */
async function checkAddressStays(address, provider) {
  const client = await provider.getCloudFormationClient();
  const StackName = provider.naming.getStackName();
  let stack;
  try {
    [stack] = (await client.send(new DescribeStacksCommand({ StackName }))).Stacks;
  } catch (error) {
    if (error.message.includes('does not exist')) return;
    throw error;
  }
  const output = stack.Outputs?.find(({ OutputKey }) => OutputKey === DOMAIN_URL);
  if (!output || output.OutputValue === addressOf(address)) return;
  fail(
    `The API is deployed at ${output.OutputValue}, and would no longer be: give the deployment its ` +
      '--param domain, certificate and base-path, or write them into serverless.yml. If you mean it, ' +
      'deploy with --param accept-breaking=true',
  );
}

/** Ends the deployment if the parameters of the address do not go together. */
function checkDomain({ domain, certificate, zone, basePath: path }, region, hasApi) {
  if (!domain) {
    const others = Object.entries({ certificate, zone, 'base-path': path });
    const given = others.find(([, value]) => value);
    if (given) fail(`--param \`${given[0]}\` needs a domain; add --param domain=api.example.com`);
    return;
  }
  if (!certificate) {
    fail(
      `--param \`domain\` needs the ARN of a certificate of ACM for ${domain} in ${region}; add ` +
        `--param certificate=arn:aws:acm:${region}:…`,
    );
  }
  const certified = certificate.split(':')[3];
  if (certified !== region) {
    fail(
      `invalid --param \`certificate\`: the certificate is in ${certified}, and the API in ${region}; ` +
        `request one in ${region}`,
    );
  }
  if (!hasApi) {
    fail('--param `domain` needs an API; deploy with --param http-api=yes or --param rest-api=yes');
  }
}

/**
 * Adds the domain to the template of a stack, with its mapping and, where its zone is given, its
 * records. It leads to the HTTP API, or else to the REST API.
 */
function addDomain({ Resources, Outputs }, address, provider) {
  const { domain, certificate, zone, basePath: path } = address;
  const { naming } = provider;
  const isHttp = naming.getHttpApiLogicalId() in Resources;
  // A REST API's stage comes with its deployment, whose id is another each time.
  const stageType = isHttp ? 'AWS::ApiGatewayV2::Stage' : 'AWS::ApiGateway::Deployment';
  Resources[DOMAIN] = {
    Type: 'AWS::ApiGatewayV2::DomainName',
    Properties: {
      DomainName: domain,
      DomainNameConfigurations: [
        {
          CertificateArn: certificate,
          EndpointType: 'REGIONAL',
          SecurityPolicy: 'TLS_1_2',
          // For the AAAA record.
          IpAddressType: 'dualstack',
        },
      ],
    },
  };
  Resources[`${DOMAIN}Mapping`] = {
    Type: 'AWS::ApiGatewayV2::ApiMapping',
    DependsOn: Object.keys(Resources).filter((id) => Resources[id].Type === stageType),
    Properties: {
      DomainName: { Ref: DOMAIN },
      ApiId: { Ref: isHttp ? naming.getHttpApiLogicalId() : naming.getRestApiLogicalId() },
      Stage: isHttp ? '$default' : provider.getStage(),
      ...(path && { ApiMappingKey: basePath(path).slice(1) }),
    },
  };
  for (const type of zone ? ['A', 'AAAA'] : []) {
    Resources[`${DOMAIN}Record${type}`] = {
      Type: 'AWS::Route53::RecordSet',
      Properties: {
        HostedZoneId: zone,
        Name: domain,
        Type: type,
        AliasTarget: {
          DNSName: { 'Fn::GetAtt': [DOMAIN, 'RegionalDomainName'] },
          HostedZoneId: { 'Fn::GetAtt': [DOMAIN, 'RegionalHostedZoneId'] },
        },
      },
    };
  }
  Outputs[DOMAIN_URL] = {
    Description: 'URL of the API under its own domain',
    Value: addressOf(address),
  };
  if (zone) return;
  Outputs[DOMAIN_TARGET] = {
    Description: 'Where a DNS record of the domain must lead',
    Value: { 'Fn::GetAtt': [DOMAIN, 'RegionalDomainName'] },
  };
}

module.exports = { addDomain, basePath, checkAddressStays, checkDomain, DOMAIN_TARGET, DOMAIN_URL };
