//! What a deployment needs of the modules, as pure functions: the same modules and stage give
//! the same document, byte for byte.
//!
//! `serverless.yml` takes all of it from [`Deployment`], and so does [`Stack`], the template for those
//! who deploy without osls; nothing else reads `modules.toml` for it.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use similar::TextDiff;

use crate::api::listing;
use crate::config::Config;
use crate::deploy::feature::{Feature, Program};
use crate::deploy::plan::{Description, variables};
use crate::item::schema::InvalidSchema;
use crate::module::name::Stage;

mod changes;
mod cloudformation;
mod dashboard;
mod encryption;
mod iam;
mod logical_id;
mod stack;

pub(crate) use self::cloudformation::{STREAM_VIEW, is_nested_id, resource};
pub use self::dashboard::{Dashboard, NoMetrics};
pub(crate) use self::logical_id::{logical_id, table_id};
pub(crate) use self::stack::BASE_PATH_VARIABLE;
pub use self::stack::{Artifact, InvalidArtifact, Stack, StackError, StackOptions};

/// What `modulo resources` prints and `serverless.yml` reads: the service's name, the features
/// that its function is built with, the variables of its environment that guards read, the modules
/// that are open to everybody, the statements of the function's role, the managed policies that it
/// has where one policy does not take them all, and what is merged into the stack's template. There
/// CloudFormation keeps the [`Description`] with which a later `modulo plan` compares. If modules have
/// webhooks, events or a history, then the features of the second function, which reads their streams. If there are
/// nested stacks, then their templates, by their numbers: each belongs where the `TemplateURL` of the
/// resource `Tables1`, `Tables2` and so on says, which is a file beside the stack's own template.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment(Value);

impl Deployment {
    /// What `config` asks for at `stage`.
    ///
    /// # Errors
    /// A schema can't be read, which one that was checked can.
    pub fn new(config: &Config, stage: &Stage) -> Result<Self, Arc<InvalidSchema>> {
        let features = Feature::needed_by(Program::Bootstrap, config).map(Feature::as_str);
        let (inline, managed) = iam::policies(config, stage);
        let mut resources = cloudformation::root(&config.modules, stage);
        resources.extend(changes::resources(config));
        let mut references = Vec::new();
        for (number, statements) in managed.iter().enumerate() {
            // No module's resource has a name with a digit at its end.
            let id = format!("FunctionPolicy{}", number + 1);
            references.push(json!({ "Ref": id }));
            resources.insert(id, iam::policy(statements));
        }
        let mut deployment = json!({
            "service": config.service.name.as_str(),
            "features": features.collect::<Vec<_>>(),
            "variables": variables::names(&config.modules),
            "open": listing::open(&config.modules).collect::<Vec<_>>(),
            "iam": inline,
            "policies": references,
            "resources": {
                "Metadata": { "modulo": Description::of(config)? },
                "Resources": resources,
            },
        });
        if let Some(features) = changes::features(config) {
            deployment["changes"] = json!({ "features": features });
        }
        let nested = cloudformation::nested(config, stage);
        if !nested.is_empty() {
            deployment["stacks"] = nested.into();
        }
        Ok(Self(deployment))
    }

    /// The same with the tables encrypted by a KMS key, and with what the function needs for that. A
    /// template can have each part depend on a condition.
    #[must_use]
    pub fn encrypted(mut self, key: &Value, part: impl Fn(Value) -> Value) -> Self {
        let encrypt = |template: &mut Value| {
            let resources = template["Resources"].as_object_mut();
            for resource in resources.into_iter().flat_map(Map::values_mut) {
                if resource["Type"] == cloudformation::TABLE {
                    resource["Properties"]["SSESpecification"] = part(encryption::of_table(key));
                }
            }
        };
        encrypt(&mut self.0["resources"]);
        self.nested_mut().for_each(encrypt);
        self.encrypt_changes(key, &part);
        if let Some(statements) = self.0["iam"].as_array_mut() {
            statements.push(part(encryption::statement(key)));
        }
        self
    }

    /// The same of the second function, if there is one: its environment, its log and the streams that it
    /// reads.
    fn encrypt_changes(&mut self, key: &Value, part: impl Fn(Value) -> Value) {
        let resources = &mut self.0["resources"]["Resources"];
        if resources.get(changes::FUNCTION).is_none() {
            return;
        }
        resources[changes::FUNCTION]["Properties"]["KmsKeyArn"] = part(key.clone());
        resources[changes::LOG_GROUP]["Properties"]["KmsKeyId"] = part(key.clone());
        let policy = &mut resources[changes::ROLE]["Properties"]["Policies"][0];
        if let Some(statements) = policy["PolicyDocument"]["Statement"].as_array_mut() {
            statements.push(part(encryption::statement(key)));
        }
    }

    /// The environment's variables that guards and webhooks read.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        let variables = self.0["variables"].as_array().into_iter().flatten();
        variables.filter_map(Value::as_str)
    }

    /// References to the role's managed policies.
    pub(crate) fn policy_references(&self) -> &[Value] {
        self.0["policies"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The metadata of the stack's template, with the [`Description`].
    pub(crate) fn metadata(&self) -> &Value {
        &self.0["resources"]["Metadata"]
    }

    /// The resources that are merged into the stack's template.
    pub(crate) fn resources(&self) -> &Value {
        &self.0["resources"]["Resources"]
    }

    /// The statements of the role's inline policy.
    pub(crate) fn statements(&self) -> &Value {
        &self.0["iam"]
    }

    /// The templates of the nested stacks, each with its number.
    pub(crate) fn nested(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0["stacks"].as_object().into_iter().flatten()
    }

    fn nested_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        let stacks = self.0.get_mut("stacks").and_then(Value::as_object_mut);
        stacks.into_iter().flat_map(Map::values_mut)
    }

    /// The number of the role's managed policies.
    pub(crate) fn policies(&self) -> usize {
        self.policy_references().len()
    }

    /// The document's text, with a newline at its end.
    #[must_use]
    pub fn to_json(&self) -> String {
        format!("{:#}\n", self.0)
    }

    /// How `text`, written earlier, differs from this, if it does.
    #[must_use]
    pub fn drift_of(&self, text: &str) -> Option<String> {
        let wanted = self.to_json();
        let diff = TextDiff::from_lines(text, &wanted);
        (text != wanted).then(|| diff.unified_diff().header("written", "wanted").to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    const MODULES: &str = r#"
        [service]
        name = "salas"

        [access.parameter]
        jwt = { issuer = "i", audience = "a", secret = { ssm = "/salas/jwt" } }

        [access.secret]
        jwt = { issuer = "i", audience = "a", secret = { secretsmanager = "salas/jwt" } }

        [modules.modulo1]
        key = "modulo1Id"
        access = { guard = "parameter" }

        [modules.sessions]
        key = "id"
        methods = ["GET", "PUT"]
        access = { guard = "secret" }
        ttl = "expiresAt"
        billing = { read = 5, write = 2 }

        [modules.archive]
        key = "id"
        table = "the-archive"
        methods = ["GET", "PUT"]
        retain = true

        [modules.rooms]
        key = "roomId"
        storage = "document"
        idempotency = "24h"
        billing = { read = 5, write = 2 }

        [[modules.rooms.indexes]]
        name = "by-building"
        partition = "building"
        sort = { attribute = "floor", type = "N" }

        [[modules.rooms.indexes]]
        name = "by-floor"
        partition = { attribute = "floor", type = "N" }

        [access.main]
        jwt = { issuer = "issuer", audience = "modulo", jwks = "https://issuer.example.com/" }

        [modules.orders]
        key = "id"
        methods = ["LIST"]
        storage = "document"
        access = { guard = "main" }
        tenant = { claim = "org_id" }

        [[modules.orders.indexes]]
        name = "by-total"
        partition = "customer"
        sort = { attribute = "total", type = "N" }
    "#;

    #[track_caller]
    fn deployment(text: &str, stage: &str) -> Deployment {
        let stage = stage.parse().expect("a valid stage");
        let config = config::parse(text, "modules.toml".as_ref(), &stage, []).expect("valid");
        Deployment::new(&config, &stage).expect("no schema that can't be read")
    }

    #[test]
    fn local() {
        insta::assert_snapshot!(deployment(MODULES, "local").to_json());
    }

    #[test]
    fn prod() {
        insta::assert_snapshot!(deployment(MODULES, "prod").to_json());
    }

    #[test]
    fn a_sort_key_is_in_its_table_and_may_be_queried() {
        let text = "
            [modules.bookings]
            key = { partition = 'roomId', sort = { attribute = 'at', type = 'N' } }
            methods = ['GET', 'LIST']
        ";
        let deployment = deployment(text, "prod");
        let tables = deployment.resources().as_object().expect("an object");
        let (_, table) = tables.iter().next().expect("there is one");
        let keys = ["KeySchema", "AttributeDefinitions"];
        let keys = keys.map(|key| table["Properties"][key].clone());
        assert_eq!(
            json!(keys),
            json!([
                [
                    { "AttributeName": "roomId", "KeyType": "HASH" },
                    { "AttributeName": "at", "KeyType": "RANGE" },
                ],
                [
                    { "AttributeName": "roomId", "AttributeType": "S" },
                    { "AttributeName": "at", "AttributeType": "N" },
                ],
            ])
        );
        assert_eq!(
            deployment.statements()[0]["Action"],
            json!([
                "dynamodb:BatchGetItem",
                "dynamodb:DescribeTable",
                "dynamodb:GetItem",
                "dynamodb:Query",
                "dynamodb:Scan",
            ])
        );
    }

    #[test]
    fn a_table_that_is_somebody_elses_may_be_used_and_is_not_in_the_stack() {
        let text = "
            [modules.a]
            key = 'id'
            table = 'old-a'
            create = false
            methods = ['GET', 'LIST']
            storage = 'document'
            [[modules.a.indexes]]
            name = 'by-x'
            partition = 'x'
        ";
        let deployment = deployment(text, "prod");
        assert_eq!(*deployment.resources(), json!({}));
        let arn = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/old-a";
        let table = json!({ "Fn::Sub": arn });
        let indexes = json!({ "Fn::Join": ["/", [table, "index", "*"]] });
        let statements = deployment.statements().as_array().expect("a list");
        let resources: Vec<_> = statements.iter().map(|one| &one["Resource"]).collect();
        assert_eq!(resources, [&json!([table]), &json!([indexes])]);
    }

    #[test]
    fn tables_are_encrypted_by_a_key_that_the_function_may_use() {
        let key = json!("arn:aws:kms:us-east-1:123456789012:key/1");
        let deployment = deployment(MODULES, "prod").encrypted(&key, |part| part);
        let tables = deployment.resources().as_object().expect("an object");
        assert_eq!(tables.len(), 6);
        for (id, table) in tables {
            let specification = &table["Properties"]["SSESpecification"];
            assert_eq!(specification["KMSMasterKeyId"], key, "{id}");
        }
        let statements = deployment.statements().as_array().expect("a list");
        let of_key = statements
            .iter()
            .filter(|statement| statement["Resource"] == key);
        assert_eq!(of_key.count(), 1);
    }

    #[test]
    fn a_table_of_a_nested_stack_may_be_used_and_is_named_where_its_template_is() {
        let text = "
            [modules.a]
            key = 'id'
            methods = ['GET']
            stack = 2
            [modules.b]
            key = 'id'
            methods = ['GET']
            create = false
            stack = 3
            [modules.c]
            key = 'id'
            methods = ['PUT']
            idempotency = '1h'
        ";
        let deployment = deployment(text, "prod");
        let own: Vec<_> = (deployment.resources().as_object().expect("an object"))
            .iter()
            .map(|(id, resource)| (id.as_str(), &resource["Type"]))
            .collect();
        assert_eq!(
            own,
            [
                ("cTable", &json!("AWS::DynamoDB::Table")),
                ("Tables2", &json!("AWS::CloudFormation::Stack")),
            ]
        );
        let url = &deployment.resources()["Tables2"]["Properties"]["TemplateURL"];
        assert_eq!(*url, "tables-2.json");
        let nested: Vec<_> = deployment.nested().collect();
        let [(number, template)] = nested.as_slice() else {
            panic!("there is one: {nested:?}");
        };
        assert_eq!(*number, "2");
        let table = &template["Resources"]["aTable"];
        assert_eq!(table["Properties"]["TableName"], "a-prod");
        assert_eq!(table["DeletionPolicy"], "Retain");
        let arn = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/a-prod";
        let statement = &deployment.statements()[0];
        assert_eq!(statement["Resource"][0], json!({ "Fn::Sub": arn }));
    }

    #[test]
    fn a_module_with_a_history_has_a_table_of_versions_and_a_function_that_fills_it() {
        let text = "
            [modules.rooms]
            key = 'roomId'
            methods = ['GET', 'PUT']
            history = '90d'
            billing = { read = 5, write = 2 }
            [modules.nested]
            key = 'id'
            methods = ['PUT']
            stack = 2
            history = '1d'
        ";
        let key = json!("arn:aws:kms:us-east-1:123456789012:key/1");
        let deployment = deployment(text, "prod");
        assert_eq!(deployment.0["changes"], json!({ "features": [] }));
        let resources = deployment.resources();
        insta::assert_snapshot!(format!("{resources:#}"));
        insta::assert_snapshot!(format!("{:#}", deployment.statements()));
        let (_, nested) = deployment.nested().next().expect("there is one");
        let table = &nested["Resources"]["nestedHistory"]["Properties"];
        assert_eq!(table["TableName"], "nested-prod-history");
        let encrypted = deployment.encrypted(&key, |part| part);
        let table = &encrypted.resources()["roomsHistory"]["Properties"];
        assert_eq!(table["SSESpecification"]["KMSMasterKeyId"], key);
    }

    #[test]
    fn a_module_with_webhooks_has_a_stream_and_a_function_that_sends() {
        let text = "
            [modules.rooms]
            key = 'roomId'
            [[modules.rooms.webhooks]]
            url = 'https://erp.example.com/hooks'
            secret = { ssm = '/hotel/hook' }
            [modules.nested]
            key = 'id'
            stack = 2
            [[modules.nested.webhooks]]
            url = 'https://erp.example.com/hooks'
            secret = { env = 'HOOK' }
        ";
        let deployment = deployment(text, "prod");
        assert_eq!(deployment.0["changes"], json!({ "features": ["secrets"] }));
        assert_eq!(deployment.variables().collect::<Vec<_>>(), ["HOOK"]);
        let resources = deployment.resources();
        insta::assert_snapshot!(format!("{resources:#}"));
        let (_, nested) = deployment.nested().next().expect("there is one");
        let arn = json!({ "Fn::GetAtt": ["nestedTable", "StreamArn"] });
        assert_eq!(
            nested["Outputs"],
            json!({ "nestedTableStream": { "Value": arn } })
        );
    }

    #[test]
    fn a_module_with_events_has_a_queue_and_a_function_that_may_send_there() {
        let text = "
            [modules.bus]
            key = 'id'
            events = { bus = 'erp' }
            [modules.default]
            key = 'id'
            events = true
            [modules.other]
            key = 'id'
            events = true
            [modules.queue]
            key = 'id'
            events = { queue = 'arn:aws:sqs:us-east-1:123456789012:erp.fifo' }
            [modules.silent]
            key = 'id'
            [modules.theirs]
            key = 'id'
            events = { bus = 'arn:aws:events:us-east-1:123456789012:event-bus/erp' }
            [modules.topic]
            key = 'id'
            events = { topic = 'arn:aws:sns:us-east-1:123456789012:erp' }
        ";
        let deployment = deployment(text, "prod");
        assert_eq!(deployment.0["changes"], json!({ "features": [] }));
        let resources = deployment.resources();
        let of = |id: &str| {
            let resource = &resources[id];
            assert!(resource.is_object(), "{id}");
            resource
        };
        for module in ["bus", "default", "other", "queue", "theirs", "topic"] {
            let stream = &of(&format!("{module}Table"))["Properties"]["StreamSpecification"];
            assert_eq!(stream["StreamViewType"], "NEW_AND_OLD_IMAGES", "{module}");
            of(&format!("{module}Changes"));
            let id = format!("{module}EventsQueue");
            let dead = json!({ "Fn::GetAtt": [format!("{id}Dead"), "Arn"] });
            let redrive = &of(&id)["Properties"]["RedrivePolicy"];
            assert_eq!(redrive["deadLetterTargetArn"], dead);
            of(&format!("{id}Dead"));
            of(&format!("{id}DeadAlarm"));
            let source = &of(&format!("{id}Sender"))["Properties"]["EventSourceArn"];
            assert_eq!(*source, json!({ "Fn::GetAtt": [id, "Arn"] }));
        }
        assert!(resources["silentTable"]["Properties"]["StreamSpecification"].is_null());
        let policy = &of("ChangesRole")["Properties"]["Policies"][0]["PolicyDocument"];
        let statements = policy["Statement"].as_array().expect("a list");
        insta::assert_snapshot!(format!("{:#}", json!(statements[5..])));
    }

    /// Found with `events = true` in `[defaults]`: each module's stream and queues are in the policy.
    #[test]
    fn a_policy_of_many_senders_is_split() {
        let modules = (1..=60).map(|n| format!("[modules.modulo{n}]\nkey = 'id'"));
        let modules: Vec<_> = modules.collect();
        let text = format!("[defaults]\nevents = true\n{}", modules.join("\n"));
        let deployment = deployment(&text, "prod");
        let resources = deployment.resources();
        let role = &resources["ChangesRole"]["Properties"];
        let inline = &role["Policies"][0]["PolicyDocument"];
        let managed = role["ManagedPolicyArns"]
            .as_array()
            .expect("there are some");
        let managed = managed.iter().map(|policy| {
            let id = policy["Ref"].as_str().expect("a policy of the stack");
            &resources[id]["Properties"]["PolicyDocument"]
        });
        let policies: Vec<_> = [inline].into_iter().chain(managed).collect();
        let arn = |resource: &Value| {
            const PLACE: &str = "arn:aws-us-gov:us-gov-west-1:123456789012";
            let id = resource["Fn::GetAtt"][0].as_str().unwrap_or_default();
            let named = |key: &str| resources[id]["Properties"][key].as_str();
            match (named("QueueName"), named("TableName")) {
                (Some(queue), _) => format!("{PLACE}:sqs:{queue}"),
                (_, Some(table)) => {
                    format!("{PLACE}:dynamodb:table/{table}/stream/2026-11-28T12:00:00.000")
                }
                _ => "x".repeat(150),
            }
        };
        let length = |policy: &Value| {
            let mut policy = policy.clone();
            for statement in policy["Statement"].as_array_mut().expect("a list") {
                let arns = statement["Resource"].as_array().expect("a list");
                statement["Resource"] = arns.iter().map(arn).collect();
            }
            policy.to_string().len()
        };
        let lengths: Vec<_> = policies.iter().map(|policy| length(policy)).collect();
        assert!(lengths[0] <= 10_240, "{lengths:?}");
        let fit = lengths[1..].iter().all(|length| *length <= 6_144);
        assert!(fit, "{lengths:?}");
        let all: String = policies.iter().map(ToString::to_string).collect();
        for n in 1..=60 {
            for id in ["EventsQueue", "EventsQueueDead"] {
                let arn = format!(r#"["modulo{n}{id}","Arn"]"#);
                assert_eq!(all.matches(&arn).count(), 1, "{arn}");
            }
            let stream = format!(r#"["modulo{n}Table","StreamArn"]"#);
            assert_eq!(all.matches(&stream).count(), 1, "{stream}");
        }
    }

    /// Modules 1 to `modules`, each fourth with an index, a hundred tables in a nested stack.
    fn in_nested_stacks(modules: usize) -> Deployment {
        let module = |n: usize| {
            let index = "storage = 'document'\nindexes = [{ name = 'by-x', partition = 'x' }]";
            let index = if n.is_multiple_of(4) { index } else { "" };
            let stack = n.div_ceil(100);
            format!("[modules.modulo{n}]\nkey = 'modulo{n}Id'\nstack = {stack}\n{index}\n")
        };
        let text: String = (1..=modules).map(module).collect();
        deployment(&text, "prod")
    }

    /// In a stack of its own each table would be a resource of 500, and a part of 1 MB.
    #[test]
    fn hundreds_of_modules_fit_into_nested_stacks() {
        let first = in_nested_stacks(100);
        for (modules, most_policies, most_bytes) in
            [(100, 1, 100_000), (200, 3, 200_000), (500, 8, 500_000)]
        {
            let deployment = in_nested_stacks(modules);
            let nested: Vec<_> = deployment.nested().collect();
            assert_eq!(nested.len(), modules / 100);
            for (number, template) in &nested {
                let tables = template["Resources"].as_object().expect("an object");
                assert_eq!(tables.len(), 100, "nested stack {number}");
                assert!(
                    template.to_string().len() < 100_000,
                    "nested stack {number}"
                );
            }
            // Whatever comes beside them, tables stay where they are.
            assert_eq!(Some(&nested[0]), first.nested().collect::<Vec<_>>().first());
            let policies = deployment.policies();
            assert!(policies <= most_policies, "{policies} managed policies");
            let own = deployment.resources().as_object().expect("an object");
            assert_eq!(own.len(), nested.len() + policies);
            let bytes = deployment.0["resources"].to_string().len()
                + deployment.statements().to_string().len();
            assert!(bytes <= most_bytes, "{modules} modules: {bytes} bytes");
        }
    }

    #[test]
    fn a_text_that_is_no_longer_wanted_has_drifted() {
        let before = deployment("[modules.a]\nkey = 'id'", "local");
        let after = deployment("[modules.a]\nkey = 'id'\nmethods = ['GET', 'PUT']", "local");
        assert_eq!(before.drift_of(&before.to_json()), None);
        let drift = after.drift_of(&before.to_json()).expect("it differs");
        assert!(
            drift.contains("-        \"dynamodb:DeleteItem\","),
            "{drift}"
        );
    }

    #[test]
    fn logical_ids_do_not_change_with_other_modules() {
        let ids = |text: &str| -> Vec<String> {
            let tables = &deployment(text, "local").0["resources"]["Resources"];
            tables
                .as_object()
                .expect("an object")
                .keys()
                .cloned()
                .collect()
        };
        let alone = ids("[modules.b]\nkey = 'id'");
        let among =
            ids("[modules.a]\nkey = 'id'\n[modules.b]\nkey = 'id'\n[modules.c]\nkey = 'id'");
        assert!(
            alone.iter().all(|id| among.contains(id)),
            "{alone:?} is not in {among:?}"
        );
    }
}
