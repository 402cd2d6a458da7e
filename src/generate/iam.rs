//! The function's permissions: per table, the actions that its module's verbs need and no other.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::cloudformation::logical_id;
use crate::access::SecretPlace;
use crate::module::{Module, Modules, Verb};

const SCAN: &str = "dynamodb:Scan";

/// One statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Statement {
    effect: &'static str,
    action: Vec<&'static str>,
    resource: Vec<Value>,
}

/// The statements for `modules`. Tables with the same actions share one: a role's inline policies
/// may have 10,240 characters, which a statement a table would use up with a few dozen modules.
pub(super) fn statements(modules: &Modules) -> Vec<Statement> {
    let mut tables: BTreeMap<Vec<&'static str>, Vec<Value>> = BTreeMap::new();
    for module in modules.iter() {
        let arn = json!({ "Fn::GetAtt": [logical_id(module.name()), "Arn"] });
        if module.verbs().contains(Verb::List) && module.table_indexes().next().is_some() {
            let indexes = json!({ "Fn::Join": ["/", [&arn, "index", "*"]] });
            let query = tables.entry(vec!["dynamodb:Query"]).or_default();
            query.push(indexes);
        }
        tables.entry(actions(module)).or_default().push(arn);
    }
    if let Some(memory) = modules.memory() {
        let arn = json!({ "Fn::GetAtt": [logical_id(memory.name()), "Arn"] });
        let actions = vec![ACTION_OF_HEALTH, "dynamodb:GetItem", "dynamodb:PutItem"];
        tables.entry(actions).or_default().push(arn);
    }
    for secret in modules.secrets() {
        let (action, resource) = match secret {
            SecretPlace::Variable(..) => continue,
            SecretPlace::Parameter(name) => {
                // A path's first slash is also that of the ARN.
                let name = name.as_str().trim_start_matches('/');
                (
                    "ssm:GetParameter",
                    format!("ssm:{ACCOUNT}:parameter/{name}"),
                )
            }
            // Secrets Manager adds a hyphen and six characters to the name.
            SecretPlace::Secret(name) => (
                "secretsmanager:GetSecretValue",
                format!("secretsmanager:{ACCOUNT}:secret:{name}-??????"),
            ),
        };
        let arn = json!({ "Fn::Sub": format!("arn:${{AWS::Partition}}:{resource}") });
        let resources = tables.entry(vec![action]).or_default();
        if !resources.contains(&arn) {
            resources.push(arn);
        }
    }
    tables
        .into_iter()
        .map(|(action, resource)| Statement {
            effect: "Allow",
            action,
            resource,
        })
        .collect()
}

/// What `/_health/ready` asks of each table: whether it is there.
const ACTION_OF_HEALTH: &str = "dynamodb:DescribeTable";

/// Region and account of an ARN, for CloudFormation to fill in.
const ACCOUNT: &str = "${AWS::Region}:${AWS::AccountId}";

fn actions(module: &Module) -> Vec<&'static str> {
    let of_verbs = module.verbs().iter().flat_map(actions_of).copied();
    // The list of a tenant's items is an index's, and no scan of everybody's.
    let has_tenants = module.tenant().is_some();
    let of_verbs = of_verbs.filter(|action| !has_tenants || *action != SCAN);
    let mut actions: Vec<_> = of_verbs.chain([ACTION_OF_HEALTH]).collect();
    actions.sort_unstable();
    actions.dedup();
    actions
}

/// The calls that the store makes for a verb. A write under an entity tag reads first.
const fn actions_of(verb: Verb) -> &'static [&'static str] {
    match verb {
        Verb::Get => &["dynamodb:BatchGetItem", "dynamodb:GetItem"],
        Verb::Post => &[
            "dynamodb:BatchWriteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
        ],
        Verb::Put | Verb::Patch => &[
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
        ],
        Verb::Delete => &[
            "dynamodb:BatchWriteItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
        ],
        Verb::List => &[SCAN],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_that_gets_an_item_is_allowed_to() {
        for &verb in Verb::ALL {
            let is_allowed = actions_of(verb).contains(&"dynamodb:GetItem");
            assert_eq!(verb.gets_item(), is_allowed, "{verb:?}");
        }
    }
}
