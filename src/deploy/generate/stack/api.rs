//! The REST API and the HTTP API, which lead every request to the function, and their access log.

use serde_json::{Map, Value, json};

use super::names::{FUNCTION, HTTP_API, HTTP_STAGE, Names, REST_API, REST_STAGE};
use super::{HAS_KMS_KEY, KMS_KEY, attribute, choose, joined, reference, when};
use crate::json::content_tag;

/// A line of the access log.
const ACCESS_LOG_FORMAT: &str = include_str!("../../../../serverless/access-log.json");
const ACCESS_LOG: &str = "ApiAccessLogGroup";

const REST_RESOURCE: &str = "ApiGatewayResourceProxyVar";
const REST_METHODS: [&str; 2] = ["ApiGatewayMethodAny", "ApiGatewayMethodProxyVarAny"];
const REST_PERMISSION: &str = "ApiLambdaPermissionApiGateway";
const HTTP_INTEGRATION: &str = "HttpApiIntegrationApi";

/// All of them, by logical id.
pub(super) fn resources(names: &Names) -> Map<String, Value> {
    let mut resources = Map::new();
    let log_group = json!({
        "Type": "AWS::Logs::LogGroup",
        "Condition": "HasAccessLog",
        "Properties": {
            // CloudWatch Logs lets API Gateway write to all groups of this prefix with one policy.
            "LogGroupName": format!("/aws/vendedlogs/apis/{}", names.stack),
            "RetentionInDays": reference("LogRetention"),
            "KmsKeyId": when(HAS_KMS_KEY, reference(KMS_KEY)),
        },
    });
    resources.insert(ACCESS_LOG.to_owned(), log_group);
    let rest = rest_api(names);
    let http = http_api(names);
    for (resources_of_api, condition) in [(rest, "HasRestApi"), (http, "HasHttpApi")] {
        for (id, mut resource) in resources_of_api {
            resource["Condition"] = condition.into();
            resources.insert(id, resource);
        }
    }
    resources
}

/// The addresses of both.
pub(super) fn outputs(names: &Names) -> Vec<(&'static str, Value)> {
    let url = |api: &str, path: &[String]| {
        let mut parts = vec![
            json!("https://"),
            reference(api),
            json!(".execute-api."),
            reference("AWS::Region"),
            json!("."),
            reference("AWS::URLSuffix"),
        ];
        parts.extend(path.iter().map(|path| json!(path)));
        joined(parts)
    };
    vec![
        (
            "ServiceEndpoint",
            json!({
                "Description": "URL of the service endpoint",
                "Condition": "HasRestApi",
                "Value": url(REST_API, &[format!("/{}", names.stage)]),
            }),
        ),
        (
            "HttpApiId",
            json!({
                "Description": "Id of the HTTP API",
                "Condition": "HasHttpApi",
                "Value": reference(HTTP_API),
            }),
        ),
        (
            "HttpApiUrl",
            json!({
                "Description": "URL of the HTTP API",
                "Condition": "HasHttpApi",
                "Value": url(HTTP_API, &[]),
            }),
        ),
    ]
}

fn rest_api(names: &Names) -> Vec<(String, Value)> {
    let root = attribute(REST_API, "RootResourceId");
    let api = json!({
        "Type": "AWS::ApiGateway::RestApi",
        "Properties": {
            "Name": names.api(),
            // Bodies reach the function as they were sent.
            "BinaryMediaTypes": ["*/*"],
            "EndpointConfiguration": { "Types": ["REGIONAL"] },
        },
    });
    let resource = json!({
        "Type": "AWS::ApiGateway::Resource",
        "Properties": {
            "ParentId": root,
            "PathPart": "{proxy+}",
            "RestApiId": reference(REST_API),
        },
    });
    let methods = [method(&root), method(&reference(REST_RESOURCE))];
    // A deployment is of the API as it was then: another API needs another one.
    let content = content_tag::of(&json!([api, resource, methods]).to_string());
    let content = content.chars().filter(char::is_ascii_alphanumeric);
    let deployment = format!("ApiGatewayDeployment{}", content.collect::<String>());

    let mut resources = vec![(REST_API, api), (REST_RESOURCE, resource)];
    resources.extend(REST_METHODS.into_iter().zip(methods));
    resources.extend([
        (
            deployment.as_str(),
            json!({
                "Type": "AWS::ApiGateway::Deployment",
                "DependsOn": REST_METHODS,
                "Properties": { "RestApiId": reference(REST_API) },
            }),
        ),
        (REST_STAGE, rest_stage(names, &deployment)),
        (REST_PERMISSION, permission(REST_API, "/*/*")),
    ]);
    resources
        .into_iter()
        .map(|(id, resource)| (id.to_owned(), resource))
        .collect()
}

fn method(resource: &Value) -> Value {
    let uri = joined(json!([
        "arn:",
        reference("AWS::Partition"),
        ":apigateway:",
        reference("AWS::Region"),
        ":lambda:path/2015-03-31/functions/",
        attribute(FUNCTION, "Arn"),
        "/invocations",
    ]));
    json!({
        "Type": "AWS::ApiGateway::Method",
        "DependsOn": [REST_PERMISSION],
        "Properties": {
            "HttpMethod": "ANY",
            "RequestParameters": {},
            "ResourceId": resource,
            "RestApiId": reference(REST_API),
            "ApiKeyRequired": false,
            "AuthorizationType": "NONE",
            "Integration": { "IntegrationHttpMethod": "POST", "Type": "AWS_PROXY", "Uri": uri },
            "MethodResponses": [],
        },
    })
}

/// osls sets what is said here by calls of API Gateway after the deployment.
fn rest_stage(names: &Names, deployment: &str) -> Value {
    let throttle = json!([{
        "HttpMethod": "*",
        "ResourcePath": "/*",
        "ThrottlingRateLimit": reference("ThrottleRate"),
        "ThrottlingBurstLimit": reference("ThrottleBurst"),
    }]);
    json!({
        "Type": "AWS::ApiGateway::Stage",
        "Properties": {
            "StageName": names.stage,
            "RestApiId": reference(REST_API),
            "DeploymentId": reference(deployment),
            "TracingEnabled": choose("HasTracing", true, false),
            "MethodSettings": when("HasThrottle", throttle),
            "AccessLogSetting": when("HasAccessLog", access_log()),
        },
    })
}

fn http_api(names: &Names) -> Vec<(String, Value)> {
    let resources = [
        (
            HTTP_API,
            json!({
                "Type": "AWS::ApiGatewayV2::Api",
                "Properties": { "Name": names.api(), "ProtocolType": "HTTP" },
            }),
        ),
        (
            HTTP_STAGE,
            json!({
                "Type": "AWS::ApiGatewayV2::Stage",
                "Properties": {
                    "ApiId": reference(HTTP_API),
                    "StageName": "$default",
                    "AutoDeploy": true,
                    "DefaultRouteSettings": {
                        "DetailedMetricsEnabled": false,
                        "ThrottlingRateLimit": when("HasThrottle", reference("ThrottleRate")),
                        "ThrottlingBurstLimit": when("HasThrottle", reference("ThrottleBurst")),
                    },
                    "AccessLogSettings": when("HasAccessLog", access_log()),
                },
            }),
        ),
        ("ApiLambdaPermissionHttpApi", permission(HTTP_API, "/*")),
        (
            HTTP_INTEGRATION,
            json!({
                "Type": "AWS::ApiGatewayV2::Integration",
                "Properties": {
                    "ApiId": reference(HTTP_API),
                    "IntegrationType": "AWS_PROXY",
                    "IntegrationUri": attribute(FUNCTION, "Arn"),
                    "PayloadFormatVersion": "2.0",
                    "TimeoutInMillis": 30_000,
                },
            }),
        ),
        (
            "HttpApiRouteDefault",
            json!({
                "Type": "AWS::ApiGatewayV2::Route",
                "DependsOn": HTTP_INTEGRATION,
                "Properties": {
                    "ApiId": reference(HTTP_API),
                    "RouteKey": "$default",
                    "Target": { "Fn::Join": ["/", ["integrations", reference(HTTP_INTEGRATION)]] },
                },
            }),
        ),
    ];
    resources
        .map(|(id, resource)| (id.to_owned(), resource))
        .into_iter()
        .collect()
}

/// Lets API Gateway call the function for an API.
fn permission(api: &str, requests: &str) -> Value {
    let source = joined(json!([
        "arn:",
        reference("AWS::Partition"),
        ":execute-api:",
        reference("AWS::Region"),
        ":",
        reference("AWS::AccountId"),
        ":",
        reference(api),
        requests,
    ]));
    json!({
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": attribute(FUNCTION, "Arn"),
            "Action": "lambda:InvokeFunction",
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": source,
        },
    })
}

fn access_log() -> Value {
    let format: Value = serde_json::from_str(ACCESS_LOG_FORMAT).expect("it is JSON");
    json!({ "DestinationArn": attribute(ACCESS_LOG, "Arn"), "Format": format.to_string() })
}
