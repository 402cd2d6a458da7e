//! The function, with its log group, its role and its URL.

use serde_json::{Map, Value, json};

use super::names::{FUNCTION, FUNCTION_URL, LOG_GROUP, Names, ROLE};
use super::{
    BASE_PATH_VARIABLE, HAS_KMS_KEY, KMS_KEY, StackError, StackOptions, attribute, reference, when,
};
use crate::deploy::generate::iam::trust;
use crate::deploy::generate::{Deployment, changes};

/// All of them, by logical id.
pub(super) fn resources(
    names: &Names,
    options: &StackOptions,
    deployment: &Deployment,
    variables: &[(String, String)],
) -> impl Iterator<Item = (String, Value)> {
    let public = |properties: &Value| {
        let mut properties = properties.clone();
        properties["FunctionName"] = attribute(FUNCTION, "Arn");
        properties["Principal"] = "*".into();
        json!({
            "Type": "AWS::Lambda::Permission",
            "Condition": "HasPublicUrl",
            "Properties": properties,
        })
    };
    let resources = [
        (LOG_GROUP, log_group(names)),
        (ROLE, role(names, deployment)),
        (FUNCTION, function(names, options, variables)),
        (
            FUNCTION_URL,
            json!({
                "Type": "AWS::Lambda::Url",
                "Condition": "HasFunctionUrl",
                "Properties": {
                    "AuthType": reference("UrlAuth"),
                    "TargetFunctionArn": attribute(FUNCTION, "Arn"),
                },
            }),
        ),
        (
            "ApiLambdaPermissionFnUrl",
            public(&json!({
                "Action": "lambda:InvokeFunctionUrl",
                "FunctionUrlAuthType": "NONE",
            })),
        ),
        (
            "ApiLambdaPermissionFn",
            public(&json!({
                "Action": "lambda:InvokeFunction",
                "InvokedViaFunctionUrl": true,
            })),
        ),
    ];
    resources
        .into_iter()
        .map(|(id, resource)| (id.to_owned(), resource))
}

/// The function's URL.
pub(super) fn outputs() -> Vec<(&'static str, Value)> {
    vec![(
        FUNCTION_URL,
        json!({
            "Description": "Lambda Function URL",
            "Condition": "HasFunctionUrl",
            "Value": attribute(FUNCTION_URL, "FunctionUrl"),
        }),
    )]
}

fn log_group(names: &Names) -> Value {
    json!({
        "Type": "AWS::Logs::LogGroup",
        "Properties": {
            "LogGroupName": format!("/aws/lambda/{}", names.function()),
            "RetentionInDays": reference("LogRetention"),
            "KmsKeyId": when(HAS_KMS_KEY, reference(KMS_KEY)),
        },
    })
}

fn role(names: &Names, deployment: &Deployment) -> Value {
    let logs = json!({
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": [attribute(LOG_GROUP, "Arn")],
    });
    let traces = json!({
        "Effect": "Allow",
        "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
        "Resource": ["*"],
    });
    let own = deployment.statements().as_array();
    let mut statements = vec![logs];
    statements.extend(own.into_iter().flatten().cloned());
    statements.push(when("HasTracing", traces));
    let mut properties = json!({
        "AssumeRolePolicyDocument": trust(),
        "Policies": [{
            "PolicyName": { "Fn::Join": ["-", [names.service, names.stage, "lambda"]] },
            "PolicyDocument": { "Version": "2012-10-17", "Statement": statements },
        }],
        "Path": "/",
        "RoleName": {
            "Fn::Join": ["-", [names.service, names.stage, reference("AWS::Region"), "lambdaRole"]],
        },
    });
    let policies = deployment.policy_references();
    if !policies.is_empty() {
        properties["ManagedPolicyArns"] = policies.into();
    }
    json!({ "Type": "AWS::IAM::Role", "Properties": properties })
}

/// Adds to the second function, if there is one, what decides itself by the options and parameters.
pub(super) fn complete_changes(
    resources: &mut Map<String, Value>,
    options: &StackOptions,
    variables: &[(String, String)],
) -> Result<(), StackError> {
    let Some(function) = resources.get_mut(changes::FUNCTION) else {
        return Ok(());
    };
    let artifact = options.changes_artifact.as_ref();
    let artifact = artifact.ok_or(StackError::NoChangesArtifact)?;
    let properties = &mut function["Properties"];
    properties["Code"] = json!({ "S3Bucket": artifact.bucket, "S3Key": artifact.key });
    properties["Architectures"] = json!([options.arch]);
    let environment = &mut properties["Environment"]["Variables"];
    for (name, parameter) in variables {
        environment[name] = reference(parameter);
    }
    let log_group = &mut resources[changes::LOG_GROUP]["Properties"];
    log_group["RetentionInDays"] = reference("LogRetention");
    Ok(())
}

fn function(names: &Names, options: &StackOptions, variables: &[(String, String)]) -> Value {
    let mut environment = Map::new();
    environment.insert("MODULO_STAGE".to_owned(), names.stage.as_str().into());
    if let Some(path) = &options.base_path {
        environment.insert(BASE_PATH_VARIABLE.to_owned(), path.as_str().into());
    }
    let collector = when("HasCollector", reference("CollectorUrl"));
    environment.insert("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), collector);
    let secrets = variables.iter();
    environment.extend(secrets.map(|(name, parameter)| (name.clone(), reference(parameter))));
    json!({
        "Type": "AWS::Lambda::Function",
        "DependsOn": [LOG_GROUP],
        "Properties": {
            // No parameter, or CloudFormation would keep its value when a new template has another.
            "Code": { "S3Bucket": options.artifact.bucket, "S3Key": options.artifact.key },
            "Handler": "bootstrap",
            "Runtime": "provided.al2023",
            "FunctionName": names.function(),
            "MemorySize": reference("MemorySize"),
            "Timeout": reference("Timeout"),
            "Architectures": [options.arch],
            "ReservedConcurrentExecutions":
                when("HasReservedConcurrency", reference("ReservedConcurrency")),
            "TracingConfig": when("HasTracing", json!({ "Mode": "Active" })),
            "KmsKeyArn": when(HAS_KMS_KEY, reference(KMS_KEY)),
            "Environment": { "Variables": environment },
            "Role": attribute(ROLE, "Arn"),
        },
    })
}
