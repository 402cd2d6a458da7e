//! The second function, which sends changes to those who are told and keeps versions of items, and what it
//! needs.
//!
//! A change goes from its table's stream to the function, from there into the queue of each webhook that
//! wants it and into that of the module's events, and from the queue to the function again, which sends it.
//! A queue keeps the changes of one item in order, and those of other items go on while one is sent again;
//! everybody who is told has a queue of their own, so that one who does not answer holds up no other. The
//! versions of items, for which nobody has to be waited, it writes into the tables of their histories at once.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::cloudformation::{attribute, reference, stream_arn};
use super::iam::{
    ACCOUNT, ACTIONS_OF_VERSIONS, Permission, Resource, Statement, packed, policy, secrets, trust,
};
use super::logical_id::logical_name;
use crate::config::Config;
use crate::deploy::feature::{Feature, Program};
use crate::module::arn::Arn;
use crate::module::events::{Bus, Destination};
use crate::module::webhook::Webhook;
use crate::module::{Module, Table, queue};

/// The function.
pub(crate) const FUNCTION: &str = "ChangesLambdaFunction";
/// Its log group.
pub(crate) const LOG_GROUP: &str = "ChangesLogGroup";
/// Its role.
pub(super) const ROLE: &str = "ChangesRole";
/// Where AWS says which part of a stream could not be read for a day.
const LOST: &str = "ChangesLost";

/// How long the function may take for the messages of a call, in seconds: ten that are not answered.
const TIMEOUT: u32 = 120;

/// How long the queue waits for it, as AWS recommends: six times as long.
const VISIBILITY_TIMEOUT: u32 = 6 * TIMEOUT;

/// How often a change is sent. By the pauses between, which double from 5 seconds to 15 minutes, that is
/// a day.
const ATTEMPTS: u32 = 104;

/// How long a queue keeps a change, and what could not be sent, in seconds: four days and fourteen.
const KEPT: u32 = 4 * 86_400;
const KEPT_DEAD: u32 = 14 * 86_400;

/// The longest name that AWS takes, and makes.
const LONGEST_QUEUE_NAME: usize = 80;

/// A resource of the stack by its logical id.
type Named = (String, Value);

/// The modules whose changes it reads.
fn modules(config: &Config) -> impl Iterator<Item = &Arc<Module>> {
    let modules = config.modules.iter();
    modules.filter(|module| module.table().create() && module.tells())
}

/// What it is built with, if there is one.
pub(super) fn features(config: &Config) -> Option<Vec<&'static str>> {
    modules(config).next()?;
    let features = Feature::needed_by(Program::Changes, config);
    Some(features.map(Feature::as_str).collect())
}

/// All of them; none, if no module has webhooks, events or a history.
pub(super) fn resources(config: &Config) -> Map<String, Value> {
    let modules = || modules(config);
    if modules().next().is_none() {
        return Map::new();
    }
    let queues = modules().flat_map(|module| {
        let queues = Queue::all(config, module);
        queues.flat_map(|queue| queue.resources())
    });
    let (inline, managed) = packed(permissions(config, modules()), 0);
    let policies = managed.iter().enumerate();
    let policies = policies.map(|(at, statements)| (policy_id(at), policy(statements)));
    [
        (LOG_GROUP.to_owned(), log_group(config)),
        (ROLE.to_owned(), role(&inline, managed.len())),
        (FUNCTION.to_owned(), function(config)),
        (LOST.to_owned(), lost()),
        (format!("{LOST}Alarm"), alarm(LOST)),
    ]
    .into_iter()
    .chain(modules().map(|module| reader(module)))
    .chain(queues)
    .chain(policies)
    .collect()
}

/// Its name outside the stack.
fn function_name(config: &Config) -> String {
    format!("{}-{}-changes", config.service.name, config.service.stage)
}

/// How long it keeps lines is said where the function's own is.
fn log_group(config: &Config) -> Value {
    json!({
        "Type": "AWS::Logs::LogGroup",
        "Properties": { "LogGroupName": format!("/aws/lambda/{}", function_name(config)) },
    })
}

/// Its code, the processor that this is for, and what else is in its environment, whoever deploys has to
/// say.
fn function(config: &Config) -> Value {
    json!({
        "Type": "AWS::Lambda::Function",
        "DependsOn": [LOG_GROUP],
        "Properties": {
            "Handler": "bootstrap",
            "Runtime": "provided.al2023",
            "FunctionName": function_name(config),
            "MemorySize": 256,
            "Timeout": TIMEOUT,
            "Environment": { "Variables": { "MODULO_STAGE": config.service.stage.as_str() } },
            "Role": arn(ROLE),
        },
    })
}

fn role(inline: &[Statement], managed: usize) -> Value {
    let mut role = json!({
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": trust(),
            "Policies": [{
                "PolicyName": "changes",
                "PolicyDocument": { "Version": "2012-10-17", "Statement": inline },
            }],
        },
    });
    if managed > 0 {
        let policies: Vec<_> = (0..managed).map(|at| reference(&policy_id(at))).collect();
        role["Properties"]["ManagedPolicyArns"] = policies.into();
    }
    role
}

/// What a managed policy of the role is called in the stack. No module's resource has a name with a
/// digit at its end.
fn policy_id(at: usize) -> String {
    format!("ChangesPolicy{}", at + 1)
}

/// What the function may do.
fn permissions<'m>(
    config: &Config,
    modules: impl Iterator<Item = &'m Arc<Module>>,
) -> Vec<Permission> {
    let (mut streams, mut queues, mut places) = (Vec::new(), Vec::new(), Vec::new());
    let (mut destinations, mut dead, mut histories) = (Vec::new(), Vec::new(), Vec::new());
    for module in modules {
        streams.push(stream(module.table()));
        histories.extend(
            module
                .history()
                .map(|history| Resource::table(history.table())),
        );
        let all = Queue::all(config, module);
        queues.extend(all.map(|queue| queue_of(&queue.id, &queue.name)));
        places.extend(module.webhooks().iter().map(Webhook::secret));
        if let Some(destination) = module.events() {
            let queue = Queue::of_events(config, module);
            dead.push(queue_of(&queue.dead(), &queue::dead_letters(&queue.name)));
            if !destinations.contains(&destination) {
                destinations.push(destination);
            }
        }
    }
    let logs = format!("log-group:/aws/lambda/{}:*", function_name(config));
    let mut permissions: Vec<Permission> = vec![
        (
            vec!["logs:CreateLogStream", "logs:PutLogEvents"],
            vec![Resource::new(arn(LOG_GROUP), "logs", logs.len())],
        ),
        (
            vec![
                "dynamodb:DescribeStream",
                "dynamodb:GetRecords",
                "dynamodb:GetShardIterator",
            ],
            streams,
        ),
        // It is of no stream.
        (
            vec!["dynamodb:ListStreams"],
            vec![Resource::new("*".into(), "", 0)],
        ),
        (
            vec![
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ReceiveMessage",
                "sqs:SendMessage",
            ],
            queues,
        ),
        (
            vec!["sqs:SendMessage"],
            vec![Resource::new(arn(LOST), "sqs", LONGEST_QUEUE_NAME)],
        ),
        (vec!["sqs:GetQueueUrl", "sqs:SendMessage"], dead),
        (ACTIONS_OF_VERSIONS.to_vec(), histories),
    ];
    permissions.extend(destinations.into_iter().map(of_destination));
    permissions.extend(secrets(places));
    permissions
}

/// The stream of a table.
fn stream(table: &Table) -> Resource {
    const TIME: &str = "2026-11-28T12:00:00.000";
    let name = format!("table/{}/stream/{TIME}", table.name());
    Resource::new(stream_arn(table), "dynamodb", name.len())
}

/// A queue of the stack.
fn queue_of(id: &str, name: &str) -> Resource {
    Resource::new(arn(id), "sqs", name.len())
}

/// That events may be sent there.
fn of_destination(destination: &Destination) -> Permission {
    let literal = |arn: &Arn| {
        let name = arn.resource().len();
        vec![Resource::new(arn.to_string().into(), arn.service(), name)]
    };
    match destination {
        Destination::Bus(Bus::Own(name)) => {
            let bus = format!("event-bus/{name}");
            let arn = format!("arn:${{AWS::Partition}}:events:{ACCOUNT}:{bus}");
            let arn = json!({ "Fn::Sub": arn });
            // It is asked first whether such a bus is there.
            let actions = vec!["events:DescribeEventBus", "events:PutEvents"];
            (actions, vec![Resource::new(arn, "events", bus.len())])
        }
        Destination::Bus(Bus::Of(arn)) => (vec!["events:PutEvents"], literal(arn)),
        Destination::Queue(queue) => {
            let actions = vec!["sqs:GetQueueUrl", "sqs:SendMessage"];
            (actions, literal(queue.arn()))
        }
        Destination::Topic(topic) => (vec!["sns:Publish"], literal(topic.arn())),
    }
}

/// What has the function read the stream of a module's table, from its beginning, so that no change
/// between the making of the two is left out.
fn reader(module: &Module) -> Named {
    let resource = json!({
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "EventSourceArn": stream_arn(module.table()),
            "FunctionName": reference(FUNCTION),
            "StartingPosition": "TRIM_HORIZON",
            "BatchSize": 100,
            "BisectBatchOnFunctionError": true,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "DestinationConfig": { "OnFailure": { "Destination": arn(LOST) } },
        },
    });
    (format!("{}Changes", logical_name(module.name())), resource)
}

/// A queue of what AWS says of changes that are lost.
fn lost() -> Value {
    json!({
        "Type": "AWS::SQS::Queue",
        "Properties": { "MessageRetentionPeriod": KEPT_DEAD, "SqsManagedSseEnabled": true },
    })
}

/// The queue of somebody who is told.
struct Queue {
    /// In the stack.
    id: String,
    name: String,
}

impl Queue {
    /// Those of a module.
    fn all(config: &Config, module: &Module) -> impl Iterator<Item = Self> {
        let webhooks = module.webhooks().iter();
        let webhooks = webhooks.map(|webhook| Self::of_webhook(config, module, webhook));
        let events = module.events().map(|_| Self::of_events(config, module));
        webhooks.chain(events)
    }

    fn of_webhook(config: &Config, module: &Module, webhook: &Webhook) -> Self {
        let (service, stage) = (&config.service.name, &config.service.stage);
        let tag = queue::tag(service, stage, module.name(), webhook.url());
        Self {
            id: format!("{}Webhook{tag}Queue", logical_name(module.name())),
            name: queue::name(service, stage, module.name(), webhook.url()),
        }
    }

    /// The same wherever the events are sent: what is in it is not lost when that is edited.
    fn of_events(config: &Config, module: &Module) -> Self {
        let (service, stage) = (&config.service.name, &config.service.stage);
        Self {
            id: format!("{}EventsQueue", logical_name(module.name())),
            name: queue::name(service, stage, module.name(), &queue::EVENTS),
        }
    }

    /// The queue of what could not be sent, in the stack.
    fn dead(&self) -> String {
        format!("{}Dead", self.id)
    }

    /// It, the queue of what could not be sent, and what has the function send.
    fn resources(&self) -> [Named; 4] {
        let (Self { id, name }, dead) = (self, self.dead());
        let queue = |name: String, kept: u32| {
            json!({
                "Type": "AWS::SQS::Queue",
                "Properties": {
                    "QueueName": name,
                    "FifoQueue": true,
                    "MessageRetentionPeriod": kept,
                    "SqsManagedSseEnabled": true,
                },
            })
        };
        let mut of_changes = queue(name.clone(), KEPT);
        let properties = &mut of_changes["Properties"];
        properties["VisibilityTimeout"] = VISIBILITY_TIMEOUT.into();
        properties["RedrivePolicy"] =
            json!({ "deadLetterTargetArn": arn(&dead), "maxReceiveCount": ATTEMPTS });
        let sender = json!({
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": arn(id),
                "FunctionName": reference(FUNCTION),
                "BatchSize": 10,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
            },
        });
        [
            (id.clone(), of_changes),
            (dead.clone(), queue(queue::dead_letters(name), KEPT_DEAD)),
            (format!("{id}Sender"), sender),
            (format!("{dead}Alarm"), alarm(&dead)),
        ]
    }
}

/// An alarm as soon as there is anything in a queue.
fn alarm(queue: &str) -> Value {
    json!({
        "Type": ALARM,
        "Properties": {
            "AlarmDescription": "changes that could not be sent wait in the queue",
            "Namespace": "AWS/SQS",
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Dimensions": [{ "Name": "QueueName", "Value": attribute(queue, "QueueName") }],
            "Statistic": "Maximum",
            "Period": 300,
            "EvaluationPeriods": 1,
            "Threshold": 0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        },
    })
}

/// The type of an alarm.
pub(super) const ALARM: &str = "AWS::CloudWatch::Alarm";

fn arn(id: &str) -> Value {
    attribute(id, "Arn")
}
