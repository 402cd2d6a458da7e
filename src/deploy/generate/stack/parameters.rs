//! The template's parameters: what osls has as `--param`, which is in `serverless/params.json`, and the
//! variables that guards read.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{HAS_KMS_KEY, KMS_KEY, reference};
use crate::deploy::generate::Deployment;

/// All `--param`s of osls.
const PARAMS: &str = include_str!("../../../../serverless/params.json");

/// The parameter that alarms alone need.
const ALARM_TOPIC: &str = "AlarmTopicArn";

/// A `--param`.
#[derive(Debug, Deserialize)]
struct Param {
    default: Value,
    about: String,
    /// What a valid value is.
    #[serde(default)]
    expected: Option<String>,
    /// As CloudFormation has them.
    #[serde(default)]
    constraints: Map<String, Value>,
    /// The parameter's name. What has none decides what is in the template.
    #[serde(default)]
    parameter: Option<String>,
}

/// Those that stand for a `--param`.
pub(super) fn of_params(has_dashboard: bool) -> Map<String, Value> {
    let params: Map<String, Value> = serde_json::from_str(PARAMS).expect("it is an object");
    let params = params.into_iter().filter_map(|(_, param)| {
        let mut param: Param = serde_json::from_value(param).expect("it describes a parameter");
        let name = param.parameter.take()?;
        (has_dashboard || name != ALARM_TOPIC).then(|| (name, param.describe()))
    });
    params.collect()
}

impl Param {
    fn describe(self) -> Value {
        let mut described = Map::new();
        described.insert("Type".to_owned(), "String".into());
        if let Value::Bool(is_on) = self.default {
            described.insert("AllowedValues".to_owned(), json!(["true", "false"]));
            described.insert("Default".to_owned(), is_on.to_string().into());
        } else {
            described.insert("Default".to_owned(), self.default);
        }
        described.extend(self.constraints);
        described.insert("Description".to_owned(), self.about.into());
        if let Some(expected) = self.expected {
            described.insert(
                "ConstraintDescription".to_owned(),
                format!("must be {expected}").into(),
            );
        }
        described.into()
    }
}

/// The variables that guards read, each with its parameter's name: `JWT_SECRET` is `JwtSecret`.
pub(super) fn of_variables(deployment: &Deployment) -> Vec<(String, String)> {
    let words = |variable: &str| -> String {
        let words = variable.split(|c: char| !c.is_ascii_alphanumeric());
        words
            .filter(|word| !word.is_empty())
            .map(|word| word[..1].to_ascii_uppercase() + &word[1..].to_ascii_lowercase())
            .collect()
    };
    let variables = deployment.variables();
    variables
        .map(|variable| (variable.to_owned(), words(variable)))
        .collect()
}

/// The parameter of a variable.
pub(super) fn of_variable(variable: &str) -> Value {
    json!({
        "Type": "String",
        "NoEcho": true,
        "MinLength": 1,
        "Description": format!("the function's variable {variable}, from which a guard reads its secret"),
    })
}

fn is(parameter: &str, value: &str) -> Value {
    json!({ "Fn::Equals": [reference(parameter), value] })
}

fn not(condition: &Value) -> Value {
    json!({ "Fn::Not": [condition] })
}

pub(super) fn is_given(parameter: &str) -> Value {
    not(&is(parameter, ""))
}

fn named(condition: &str) -> Value {
    json!({ "Condition": condition })
}

/// What the resources depend on.
pub(super) fn conditions(has_dashboard: bool) -> Map<String, Value> {
    let both = |one: Value, other: Value| json!({ "Fn::And": [one, other] });
    let any_api = json!({ "Fn::Or": [named("HasRestApi"), named("HasHttpApi")] });
    let conditions = [
        ("HasFunctionUrl", is("UseFunctionUrl", "true")),
        (
            "HasPublicUrl",
            both(named("HasFunctionUrl"), is("UrlAuth", "NONE")),
        ),
        ("HasRestApi", is("UseRestApi", "true")),
        ("HasHttpApi", is("UseHttpApi", "true")),
        ("HasThrottle", is_given("ThrottleRate")),
        ("HasAccessLog", both(is("UseAccessLog", "true"), any_api)),
        ("HasReservedConcurrency", is_given("ReservedConcurrency")),
        ("HasTracing", is("UseTracing", "true")),
        (HAS_KMS_KEY, is_given(KMS_KEY)),
        ("HasCollector", is_given("CollectorUrl")),
        ("HasDomain", is_given("DomainName")),
        (
            "HasZone",
            both(named("HasDomain"), is_given("HostedZoneId")),
        ),
        (
            "HasNoZone",
            both(named("HasDomain"), is("HostedZoneId", "")),
        ),
    ];
    let of_alarms = has_dashboard.then(|| ("HasAlarmTopic", is_given(ALARM_TOPIC)));
    let conditions = conditions.into_iter().chain(of_alarms);
    conditions
        .map(|(name, condition)| (name.to_owned(), condition))
        .collect()
}

/// What CloudFormation asks of the parameters together, before it makes anything.
pub(super) fn rules() -> Value {
    let any = |one: Value, other: Value| json!({ "Fn::Or": [one, other] });
    let assertion =
        |assert: Value, says: &str| json!({ "Assert": assert, "AssertDescription": says });
    let with = |one: &str, other: &str| {
        let says = format!("{one} needs {other}");
        assertion(any(is(one, ""), is_given(other)), &says)
    };
    json!({
        "Address": { "Assertions": [
            with("DomainName", "CertificateArn"),
            with("CertificateArn", "DomainName"),
            with("HostedZoneId", "DomainName"),
            assertion(
                any(
                    is("DomainName", ""),
                    any(is("UseHttpApi", "true"), is("UseRestApi", "true")),
                ),
                "DomainName needs an API: UseHttpApi=true or UseRestApi=true",
            ),
        ] },
        "Throttle": { "Assertions": [
            with("ThrottleRate", "ThrottleBurst"),
            with("ThrottleBurst", "ThrottleRate"),
        ] },
    })
}
