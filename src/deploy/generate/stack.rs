//! The whole stack as one plain CloudFormation template, for those who deploy without osls.
//!
//! Its resources have the logical ids and the properties that osls gives them, so that a stack can go
//! from one to the other without a new table or function. What osls decides by `--param` when it makes
//! its template is a parameter of this one, with conditions.

use std::str::FromStr;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use self::names::Names;
use super::cloudformation::{attribute, nested_file, nested_id, reference};
use super::{Dashboard, Deployment, NoMetrics, changes};
use crate::config::Config;
use crate::item::schema::InvalidSchema;
use crate::module::base_path::BasePath;

mod api;
mod domain;
mod function;
mod names;
mod parameters;

/// The parameter of the key that encrypts the tables, and the condition that there is one.
const KMS_KEY: &str = "KmsKeyArn";
const HAS_KMS_KEY: &str = "HasKmsKey";

/// The variable that is `service.base_path`.
pub(crate) const BASE_PATH_VARIABLE: &str = "MODULO__SERVICE__BASE_PATH";

/// A stack's template, and those of its nested stacks.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    template: Value,
    nested: Vec<(String, Value)>,
}

/// What decides what is in the template, and not only which values it has.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// Where the function's package is.
    pub artifact: Artifact,
    /// Where that of the second function is, which sends changes.
    pub changes_artifact: Option<Artifact>,
    /// The processor that it was built for, `x86_64` or `arm64`.
    pub arch: String,
    /// What stands before the paths under the domain, if the function gets it by its environment.
    pub base_path: Option<BasePath>,
    /// Whether there are a dashboard and alarms.
    pub has_dashboard: bool,
}

/// Why there is no template.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The schema of a module can't be read.
    #[error(transparent)]
    Schema(#[from] Arc<InvalidSchema>),
    /// There is nothing for a dashboard to show.
    #[error(transparent)]
    Dashboard(#[from] NoMetrics),
    /// There is no package of the second function.
    #[error(
        "modules have webhooks, events or a history, for which there is a second function; say where its \
         package is, as in --changes-artifact my-bucket/modulo/changes-1.zip"
    )]
    NoChangesArtifact,
    /// CloudFormation knows parameters and resources by letters and digits alone.
    #[error(
        "the variable `{variable}`, which a guard reads, would be the parameter `{parameter}` of the \
         template, which has one of that name; name the variable differently"
    )]
    SameParameter {
        /// The variable.
        variable: String,
        /// The parameter's name.
        parameter: String,
    },
}

impl Stack {
    /// That of `config`.
    ///
    /// # Errors
    /// There is no [`Deployment`] or no [`Dashboard`] for it, or it needs two parameters of one name.
    pub fn new(config: &Config, options: &StackOptions) -> Result<Self, StackError> {
        let names = Names::of(config);
        let mut deployment = Deployment::new(config, &config.service.stage)?
            .encrypted(&reference(KMS_KEY), |value| when(HAS_KMS_KEY, value));
        for template in deployment.nested_mut() {
            template["Parameters"] = json!({ KMS_KEY: { "Type": "String" } });
            template["Conditions"] = json!({ HAS_KMS_KEY: parameters::is_given(KMS_KEY) });
        }
        let variables = parameters::of_variables(&deployment);

        let mut resources = Map::new();
        resources.extend(function::resources(
            &names,
            options,
            &deployment,
            &variables,
        ));
        resources.extend(api::resources(&names));
        resources.extend(domain::resources(options.base_path.as_ref()));
        resources.extend(members(deployment.resources()));
        function::complete_changes(&mut resources, options, &variables)?;
        for (number, _) in deployment.nested() {
            let parameters = json!({ KMS_KEY: reference(KMS_KEY) });
            resources[&nested_id(number)]["Properties"]["Parameters"] = parameters;
        }
        if options.has_dashboard {
            let topic = json!([reference("AlarmTopicArn")]);
            let actions = choose("HasAlarmTopic", topic, json!([]));
            let dashboard = Dashboard::with_actions(config, &actions)?;
            resources.extend(members(dashboard.resources()));
            for alarm in resources
                .values_mut()
                .filter(|one| one["Type"] == changes::ALARM)
            {
                alarm["Properties"]["AlarmActions"] = actions.clone();
            }
        }

        let mut parameters = parameters::of_params(options.has_dashboard);
        for (variable, parameter) in &variables {
            let described = parameters::of_variable(variable);
            let is_resource = resources.contains_key(parameter);
            let before = parameters.insert(parameter.clone(), described);
            if is_resource || before.is_some() {
                return Err(StackError::SameParameter {
                    variable: variable.clone(),
                    parameter: parameter.clone(),
                });
            }
        }
        let outputs = [
            function::outputs(),
            api::outputs(&names),
            domain::outputs(options.base_path.as_ref()),
        ];
        let template = json!({
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": format!("{}: REST collections by modulo", names.stack),
            "Metadata": deployment.metadata(),
            "Parameters": parameters,
            "Rules": parameters::rules(),
            "Conditions": parameters::conditions(options.has_dashboard),
            "Resources": resources,
            "Outputs": exported(&names, outputs.into_iter().flatten()),
        });
        let nested = deployment.nested();
        let nested = nested.map(|(number, template)| (nested_file(number), template.clone()));
        Ok(Self {
            template,
            nested: nested.collect(),
        })
    }

    /// The template's text, with a newline at its end.
    #[must_use]
    pub fn to_json(&self) -> String {
        format!("{:#}\n", self.template)
    }

    /// The templates of the nested stacks: the file beside its own in which each belongs, and its text.
    pub fn nested(&self) -> impl Iterator<Item = (&str, String)> {
        let nested = self.nested.iter();
        nested.map(|(file, template)| (file.as_str(), format!("{template:#}\n")))
    }
}

/// The outputs, under the names that osls exports them by.
fn exported(
    names: &Names,
    outputs: impl Iterator<Item = (&'static str, Value)>,
) -> Map<String, Value> {
    let export = |(id, mut output): (&str, Value)| {
        output["Export"] = json!({ "Name": format!("sls-{}-{id}", names.stack) });
        (id.to_owned(), output)
    };
    outputs.map(export).collect()
}

/// Where a package is in S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    bucket: String,
    key: String,
}

/// Why a text does not name an [`Artifact`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a bucket and a key, such as my-bucket/modulo/function-1.zip")]
pub struct InvalidArtifact;

impl FromStr for Artifact {
    type Err = InvalidArtifact;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.strip_prefix("s3://").unwrap_or(text);
        let (bucket, key) = text.split_once('/').ok_or(InvalidArtifact)?;
        let is_possible =
            |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b".-".contains(&c);
        let is_bucket = (3..=63).contains(&bucket.len()) && bucket.bytes().all(is_possible);
        if !is_bucket || key.is_empty() || key.len() > 1_024 {
            return Err(InvalidArtifact);
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        })
    }
}

/// One of two values.
fn choose(condition: &str, value: impl Into<Value>, other: impl Into<Value>) -> Value {
    json!({ "Fn::If": [condition, value.into(), other.into()] })
}

/// A value that is left out where the condition does not hold.
fn when(condition: &str, value: impl Into<Value>) -> Value {
    choose(condition, value, reference("AWS::NoValue"))
}

/// The texts and values one after the other.
fn joined(parts: impl Into<Value>) -> Value {
    json!({ "Fn::Join": ["", parts.into()] })
}

fn members(object: &Value) -> Map<String, Value> {
    object.as_object().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::module::name::Stage;

    #[track_caller]
    fn stack(modules: &str, options: &StackOptions) -> Result<Stack, StackError> {
        let stage: Stage = "prod".parse().expect("a valid stage");
        let config = config::parse(modules, "modules.toml".as_ref(), &stage, []).expect("valid");
        Stack::new(&config, options)
    }

    fn options() -> StackOptions {
        StackOptions {
            artifact: "my-bucket/modulo/1.zip".parse().expect("valid"),
            changes_artifact: None,
            arch: "x86_64".to_owned(),
            base_path: None,
            has_dashboard: false,
        }
    }

    /// Every name in a template that something refers to, by the function that does.
    fn referred(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                for (name, value) in object {
                    match (name.as_str(), value) {
                        ("Ref" | "Condition" | "DependsOn", Value::String(id)) => {
                            found.push(id.clone());
                        }
                        ("Fn::GetAtt" | "Fn::If", Value::Array(parts)) => {
                            found.extend(parts[0].as_str().map(str::to_owned));
                        }
                        ("DependsOn", Value::Array(ids)) => {
                            found.extend(ids.iter().filter_map(Value::as_str).map(str::to_owned));
                        }
                        _ => {}
                    }
                    referred(value, found);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| referred(value, found)),
            _ => {}
        }
    }

    #[test]
    fn all_that_is_referred_to_is_there() {
        let options = StackOptions {
            has_dashboard: true,
            ..options()
        };
        let modules = "
            [access.main]
            jwt = { issuer = 'i', audience = 'a', secret = { env = 'JWT_SECRET' } }
            [modules.rooms]
            key = 'roomId'
            access = { guard = 'main' }
        ";
        let Stack { template, .. } = stack(modules, &options).expect("possible");
        let mut found = Vec::new();
        referred(&template, &mut found);
        assert!(found.len() > 50);
        for id in found.iter().filter(|id| !id.starts_with("AWS::")) {
            let sections = ["Parameters", "Conditions", "Resources"];
            let is_there = sections
                .iter()
                .any(|name| template[*name].get(id).is_some());
            assert!(is_there, "{id}");
        }
        let unused = template["Parameters"].as_object().expect("an object");
        let unused: Vec<_> = unused.keys().filter(|id| !found.contains(id)).collect();
        assert_eq!(unused, [""; 0]);
        assert_eq!(template["Parameters"]["JwtSecret"]["NoEcho"], true);
    }

    #[test]
    fn a_nested_template_gets_the_key_of_its_tables() {
        let modules = "[modules.rooms]\nkey = 'roomId'\nstack = 2\n";
        let Stack { template, nested } = stack(modules, &options()).expect("possible");
        let stack = &template["Resources"]["Tables2"]["Properties"];
        let expected = json!({
            "TemplateURL": "tables-2.json",
            "Parameters": { "KmsKeyArn": { "Ref": "KmsKeyArn" } },
        });
        assert_eq!(*stack, expected);
        let [(file, nested)] = nested.as_slice() else {
            panic!("there is one");
        };
        assert_eq!(file, "tables-2.json");
        let mut found = Vec::new();
        referred(nested, &mut found);
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, ["AWS::NoValue", "HasKmsKey", "KmsKeyArn"]);
        assert_eq!(nested["Parameters"]["KmsKeyArn"]["Type"], "String");
        assert!(nested["Conditions"]["HasKmsKey"].is_object());
    }

    #[test]
    fn variables_of_one_parameter_are_refused() {
        let guarded = |variable: &str| {
            format!(
                "[access.a]\njwt = {{ issuer = 'i', audience = 'a', secret = {{ env = 'A_B' }} }}\n\
                 [access.b]\njwt = {{ issuer = 'i', audience = 'a', secret = {{ env = '{variable}' }} }}\n\
                 [modules.a]\nkey = 'id'\naccess = {{ guard = 'a' }}\n\
                 [modules.b]\nkey = 'id'\naccess = {{ guard = 'b' }}\n"
            )
        };
        assert!(stack(&guarded("AB"), &options()).is_ok());
        for (variable, parameter) in [
            ("A__B", "AB"),
            ("TIMEOUT", "Timeout"),
            ("HTTP_API", "HttpApi"),
        ] {
            let error = stack(&guarded(variable), &options()).expect_err(variable);
            let told =
                format!("`{variable}`, which a guard reads, would be the parameter `{parameter}`");
            assert!(error.to_string().contains(&told), "{error}");
        }
    }

    #[test]
    fn an_artifact_is_a_bucket_and_a_key() {
        for text in ["my-bucket/a", "s3://my-bucket/a"] {
            let Artifact { bucket, key } = text.parse().expect(text);
            assert_eq!((bucket.as_str(), key.as_str()), ("my-bucket", "a"));
        }
        for text in [
            "",
            "my-bucket",
            "my-bucket/",
            "/a",
            "ab/a",
            "My-bucket/a",
            "./function.zip",
        ] {
            assert_eq!(text.parse::<Artifact>(), Err(InvalidArtifact), "{text}");
        }
    }
}
