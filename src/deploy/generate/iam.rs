//! The function's permissions: per table, the actions that its module's verbs need and no other.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::logical_id::table_id;
use crate::config::Config;
use crate::module::name::Stage;
use crate::module::secret_place::SecretPlace;
use crate::module::{Module, Modules, Table, call};

/// One statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Statement {
    effect: &'static str,
    action: Vec<&'static str>,
    resource: Vec<Value>,
}

impl Statement {
    /// That all of this may be done to all of that.
    pub(super) fn new(action: &[&'static str], resource: Vec<Value>) -> Self {
        Self {
            effect: "Allow",
            action: action.to_vec(),
            resource,
        }
    }
}

/// What a policy takes at the most, in characters without white space: a role's inline ones
/// together, and each managed one.
const INLINE_CHARACTERS: usize = 10_240;
const MANAGED_CHARACTERS: usize = 6_144;

/// The frame of a policy, and that of a statement with a comma after it.
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;
const STATEMENT: &str = r#"{"Effect":"Allow","Action":[],"Resource":[]},"#;

/// The longest partition, region and account, by which CloudFormation makes an ARN longer than it
/// is here.
const PLACE: &str = "aws-us-gov:us-gov-west-1:123456789012";

/// What else is in the inline policy, for logs, traces and a KMS key, but for the function's name,
/// which is in it twice.
const OTHER_CHARACTERS: usize = 600;

/// What a statement is about, and the length of its ARN.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    arn: Value,
    characters: usize,
}

/// What may be done, and to what.
pub(super) type Permission = (Vec<&'static str>, Vec<Resource>);

impl Resource {
    /// One of `service`, the name in whose ARN has so many characters.
    pub(super) fn new(arn: Value, service: &str, name: usize) -> Self {
        Self {
            arn,
            characters: characters(service, name),
        }
    }

    pub(super) fn table(table: &Table) -> Self {
        let resource = format!("table/{}", table.name());
        let characters = characters("dynamodb", resource.len());
        let arn = if table.create() && table.stack().is_none() {
            json!({ "Fn::GetAtt": [table_id(table), "Arn"] })
        } else {
            // It is not in the function's stack, if in any.
            let arn = format!("arn:${{AWS::Partition}}:dynamodb:{ACCOUNT}:{resource}");
            json!({ "Fn::Sub": arn })
        };
        Self { arn, characters }
    }

    fn indexes(table: &Table) -> Self {
        let table = Self::table(table);
        Self {
            arn: json!({ "Fn::Join": ["/", [table.arn, "index", "*"]] }),
            characters: table.characters + "/index/*".len(),
        }
    }

    fn secret(service: &str, name: &str) -> Self {
        let resource = format!("{service}:{ACCOUNT}:{name}");
        Self {
            arn: json!({ "Fn::Sub": format!("arn:${{AWS::Partition}}:{resource}") }),
            characters: characters(service, name.len()),
        }
    }
}

/// The length of an ARN among others.
fn characters(service: &str, name: usize) -> usize {
    r#""arn:::","#.len() + PLACE.len() + service.len() + name
}

/// The statements of the function's role: those of its inline policy, and those of each managed
/// policy that has what the inline one has no room for. Tables with the same actions share a statement.
pub(super) fn policies(config: &Config, stage: &Stage) -> (Vec<Statement>, Vec<Vec<Statement>>) {
    let name = config.service.name.as_str().len() + "-".len() + stage.as_str().len();
    packed(resources(&config.modules), 2 * name)
}

/// The statements that permit this, in the inline policy, in which `others` characters more are needed,
/// and in managed ones.
pub(super) fn packed(
    permissions: impl IntoIterator<Item = Permission>,
    others: usize,
) -> (Vec<Statement>, Vec<Vec<Statement>>) {
    let mut room = INLINE_CHARACTERS - POLICY.len() - OTHER_CHARACTERS - others;
    let mut policies = vec![Vec::<Statement>::new()];
    for (action, resources) in permissions {
        let quoted = action.iter().map(|action| action.len() + r#""","#.len());
        let frame = STATEMENT.len() + quoted.sum::<usize>();
        let mut is_new = true;
        for Resource { arn, characters } in resources {
            let needed = if is_new {
                frame + characters
            } else {
                characters
            };
            if needed > room {
                policies.push(Vec::new());
                room = MANAGED_CHARACTERS - POLICY.len() - frame - characters;
                is_new = true;
            } else {
                room -= needed;
            }
            let policy = policies.last_mut().expect("there is an inline one");
            if is_new {
                policy.push(Statement::new(&action, Vec::new()));
                is_new = false;
            }
            let statement = policy.last_mut().expect("it was pushed");
            statement.resource.push(arn);
        }
    }
    let managed = policies.split_off(1);
    (policies.remove(0), managed)
}

/// That Lambda may take on a role.
pub(super) fn trust() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": ["lambda.amazonaws.com"] },
            "Action": ["sts:AssumeRole"],
        }],
    })
}

/// A managed policy. Its role names it, so that it is there before the role is changed.
pub(super) fn policy(statements: &[Statement]) -> Value {
    json!({
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "PolicyDocument": { "Version": "2012-10-17", "Statement": statements },
        },
    })
}

/// What may be done, and to what.
fn resources(modules: &Modules) -> BTreeMap<Vec<&'static str>, Vec<Resource>> {
    let mut resources: BTreeMap<Vec<&'static str>, Vec<Resource>> = BTreeMap::new();
    for module in modules.iter() {
        let has_queries = call::actions(module.verbs()).any(|action| action == call::QUERY);
        if has_queries && !module.table().indexes().is_empty() {
            let query = resources.entry(vec![call::QUERY]).or_default();
            query.push(Resource::indexes(module.table()));
        }
        let tables = resources.entry(actions(module)).or_default();
        tables.push(Resource::table(module.table()));
        if let Some(history) = module.history() {
            let of_calls = call::history_actions(module.verbs());
            let actions = sorted(of_calls.chain([ACTION_OF_HEALTH]));
            let tables = resources.entry(actions).or_default();
            tables.push(Resource::table(history.table()));
        }
    }
    if let Some(table) = modules.idempotency() {
        let actions = vec![ACTION_OF_HEALTH, "dynamodb:GetItem", "dynamodb:PutItem"];
        let tables = resources.entry(actions).or_default();
        tables.push(Resource::table(table));
    }
    add_secrets(modules.secrets(), &mut resources);
    resources
}

/// That secrets at these places are read.
pub(super) fn secrets<'p>(
    places: impl IntoIterator<Item = &'p SecretPlace>,
) -> impl Iterator<Item = Permission> {
    let mut resources = BTreeMap::new();
    add_secrets(places, &mut resources);
    resources.into_iter()
}

fn add_secrets<'p>(
    places: impl IntoIterator<Item = &'p SecretPlace>,
    resources: &mut BTreeMap<Vec<&'static str>, Vec<Resource>>,
) {
    for place in places {
        let (action, secret) = match place {
            SecretPlace::Variable(..) => continue,
            SecretPlace::Parameter(name) => {
                // A path's first slash is also that of the ARN.
                let name = name.as_str().trim_start_matches('/');
                let secret = Resource::secret("ssm", &format!("parameter/{name}"));
                ("ssm:GetParameter", secret)
            }
            // Secrets Manager adds a hyphen and six characters to the name.
            SecretPlace::Secret(name) => (
                "secretsmanager:GetSecretValue",
                Resource::secret("secretsmanager", &format!("secret:{name}-??????")),
            ),
        };
        let secrets = resources.entry(vec![action]).or_default();
        if !secrets.iter().any(|other| other.arn == secret.arn) {
            secrets.push(secret);
        }
    }
}

/// What `/_health/ready` asks of each table: whether it is there.
const ACTION_OF_HEALTH: &str = "dynamodb:DescribeTable";

/// Region and account of an ARN, for CloudFormation to fill in.
pub(super) const ACCOUNT: &str = "${AWS::Region}:${AWS::AccountId}";

/// What the function may do with a module's table.
fn actions(module: &Module) -> Vec<&'static str> {
    let has_tenants = module.tenant().is_some();
    let of_calls = call::actions(module.verbs()).filter(|&action| match action {
        // Without a sort key it is the indexes', and not the table's.
        call::QUERY => module.key().sort().is_some(),
        // The list of a tenant's items is an index's, and no scan of everybody's.
        call::SCAN => !has_tenants,
        _ => true,
    });
    sorted(of_calls.chain([ACTION_OF_HEALTH]))
}

fn sorted(actions: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let mut actions: Vec<_> = actions.collect();
    actions.sort_unstable();
    actions.dedup();
    actions
}

/// What the second function does with the table of a module's versions.
pub(super) const ACTIONS_OF_VERSIONS: [&str; 3] =
    ["dynamodb:PutItem", call::QUERY, "dynamodb:UpdateItem"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    /// The policies as IAM has them: `PLACE` stands for what CloudFormation fills in.
    fn resolved(config: &Config, stage: &Stage) -> Vec<String> {
        let names: BTreeMap<_, _> = config
            .modules
            .tables()
            .map(|table| (table_id(table), table.name().to_string()))
            .collect();
        let (partition, place) = PLACE.split_once(':').expect("two parts");
        let arn = |value: &Value| {
            let (table, end) = match value.pointer("/Fn::Join/1/0") {
                Some(table) => (table, "/index/*"),
                None => (value, ""),
            };
            let table = if let Some(arn) = table["Fn::Sub"].as_str() {
                let arn = arn.replace("${AWS::Partition}", partition);
                arn.replace(ACCOUNT, place)
            } else {
                let id = table["Fn::GetAtt"][0].as_str().expect("a table's");
                let name = &names[id];
                format!("arn:{partition}:dynamodb:{place}:table/{name}")
            };
            Value::from(table + end)
        };
        let (inline, managed) = policies(config, stage);
        let policies = [inline].into_iter().chain(managed);
        let policies = policies.map(|mut statements| {
            for statement in &mut statements {
                statement.resource = statement.resource.iter().map(arn).collect();
            }
            json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
        });
        policies.collect()
    }

    /// Found with 141 modules, 68 of them with an index: 13,000 characters in one policy.
    #[test]
    fn a_policy_that_is_too_long_is_split() {
        let stage: Stage = "prod".parse().expect("valid");
        let config = |modules: usize, stack: &str| {
            let module = |n| {
                let index = format!(
                    "storage = 'document'\n[[modules.modulo{n}.indexes]]\nname = 'by-x'\npartition = 'x'\n"
                );
                let index = if n <= 68 { index.as_str() } else { "" };
                format!("[modules.modulo{n}]\nkey = 'id'\n{stack}\n{index}")
            };
            let text: String = (1..=modules).map(module).collect();
            config::parse(&text, "modules.toml".as_ref(), &stage, []).expect("valid")
        };
        assert_eq!(resolved(&config(60, ""), &stage).len(), 1);
        let policies = resolved(&config(141, ""), &stage);
        // The tables of a nested stack are named otherwise, and are the same.
        assert_eq!(resolved(&config(141, "stack = 1"), &stage), policies);
        let lengths: Vec<_> = policies.iter().map(String::len).collect();
        let [inline, managed @ ..] = lengths.as_slice() else {
            panic!("there is no inline policy");
        };
        assert!(*inline <= INLINE_CHARACTERS - OTHER_CHARACTERS);
        assert!(!managed.is_empty());
        assert!(
            managed.iter().all(|length| *length <= MANAGED_CHARACTERS),
            "{lengths:?}"
        );
        let all = policies.concat();
        for n in 1..=141 {
            let arn = format!(":table/modulo{n}-prod\"");
            assert_eq!(all.matches(&arn).count(), 1, "{arn}");
        }
    }
}
