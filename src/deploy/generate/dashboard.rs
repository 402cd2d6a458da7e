//! A CloudWatch dashboard, and alarms, over the metrics that are in the requests' lines.

use serde_json::{Map, Value, json};

use super::logical_id::logical_name;
use crate::api::batch::Batch;
use crate::config::Config;
use crate::module::call::Call;
use crate::module::{Module, Verb};
use crate::telemetry::metric;

/// The time that one point of a graph is of, in seconds, and that an alarm looks at.
const PERIOD: u32 = 300;

/// More failures than that within a period are an alarm.
const ERRORS: u32 = 5;

/// The time, in microseconds, that one request in a hundred may take longer than.
const SLOW: u32 = 1_000_000;

/// Periods in a row that are slow, or throttled, are an alarm.
const PERIODS: u32 = 3;

/// Width and height of a graph; a dashboard is 24 wide.
const SIZE: (usize, usize) = (6, 6);

/// What is seen of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Dashboard(Value);

/// Why there is nothing to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`metrics` is off in [service], so that there is nothing to show; say metrics = true")]
pub struct NoMetrics;

impl Dashboard {
    /// The dashboard of `config`'s modules, and their alarms, which tell the SNS topic, if there is
    /// one.
    ///
    /// # Errors
    /// The configuration turns metrics off.
    pub fn new(config: &Config, topic: Option<&str>) -> Result<Self, NoMetrics> {
        let actions: Vec<_> = topic.into_iter().collect();
        Self::with_actions(config, &json!(actions))
    }

    /// The same, whose alarms have these actions.
    pub(super) fn with_actions(config: &Config, actions: &Value) -> Result<Self, NoMetrics> {
        if !config.service.telemetry.metrics {
            return Err(NoMetrics);
        }
        let modules = config.modules.iter();
        let of_modules = modules.flat_map(|module| Watched::new(config, module).alarms());
        let alarms = Function::of(config).alarms().into_iter().chain(of_modules);
        let alarms = alarms.map(|alarm| alarm.resource(config, actions));
        let resources: Map<_, _> = [("Dashboard".to_owned(), dashboard(config))]
            .into_iter()
            .chain(alarms)
            .collect();
        Ok(Self(json!({ "Resources": resources })))
    }

    /// What a deployment merges into its stack.
    pub(crate) fn resources(&self) -> &Value {
        &self.0["Resources"]
    }

    /// The template's text, with a newline at its end.
    #[must_use]
    pub fn to_json(&self) -> String {
        format!("{:#}\n", self.0)
    }
}

fn dashboard(config: &Config) -> Value {
    let rows = config.modules.iter();
    let rows = rows.map(|module| Watched::new(config, module).graphs());
    let rows = [Function::of(config).graphs()].into_iter().chain(rows);
    let widgets = rows.enumerate().flat_map(|(row, graphs)| {
        let place = move |(column, graph): (usize, Graph)| graph.widget(column, row);
        graphs.into_iter().enumerate().map(place)
    });
    let widgets: Vec<_> = widgets.collect();
    let body = json!({ "widgets": widgets }).to_string();
    json!({
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {
            "DashboardName": format!("{}-{}", config.service.name, config.service.stage),
            // The region is the stack's.
            "DashboardBody": { "Fn::Sub": body },
        },
    })
}

/// One metric, of one verb or of the function.
#[derive(Clone)]
struct Metric {
    namespace: String,
    name: &'static str,
    dimensions: Vec<(&'static str, String)>,
}

impl Metric {
    /// As a graph wants it: all in one list.
    fn line(&self, statistic: &str, label: &str) -> Value {
        let mut line = vec![json!(self.namespace), json!(self.name)];
        for (name, value) in &self.dimensions {
            line.extend([json!(name), json!(value)]);
        }
        line.push(json!({ "stat": statistic, "label": label }));
        Value::Array(line)
    }

    /// As an alarm wants it.
    fn query(&self, id: &str, statistic: &str) -> Value {
        let dimensions: Vec<_> = self
            .dimensions
            .iter()
            .map(|(name, value)| json!({ "Name": name, "Value": value }))
            .collect();
        json!({
            "Id": id,
            "MetricStat": {
                "Metric": {
                    "Namespace": self.namespace,
                    "MetricName": self.name,
                    "Dimensions": dimensions,
                },
                "Period": PERIOD,
                "Stat": statistic,
            },
            "ReturnData": false,
        })
    }
}

struct Graph {
    title: String,
    lines: Vec<Value>,
}

impl Graph {
    fn widget(self, column: usize, row: usize) -> Value {
        let (width, height) = SIZE;
        json!({
            "type": "metric",
            "x": column * width,
            "y": row * height,
            "width": width,
            "height": height,
            "properties": {
                "title": self.title,
                "region": "${AWS::Region}",
                "period": PERIOD,
                "metrics": self.lines,
            },
        })
    }
}

struct Alarm {
    /// What the logical id, and the alarm's name, begin with.
    of: (String, String),
    kind: &'static str,
    says: String,
    /// Of the metrics' figures, one.
    expression: &'static str,
    statistic: &'static str,
    metrics: Vec<Metric>,
    threshold: u32,
    periods: u32,
}

impl Alarm {
    fn resource(&self, config: &Config, actions: &Value) -> (String, Value) {
        let (id, name) = &self.of;
        let (service, stage) = (&config.service.name, &config.service.stage);
        let kind = self.kind.to_lowercase();
        let queries = self.metrics.iter().enumerate();
        let queries = queries.map(|(n, metric)| metric.query(&format!("m{n}"), self.statistic));
        let result = json!({
            "Id": "all",
            "Label": kind,
            "Expression": self.expression,
            "ReturnData": true,
        });
        let queries: Vec<_> = [result].into_iter().chain(queries).collect();
        let resource = json!({
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": format!("{service}-{stage}-{name}-{kind}"),
                "AlarmDescription": self.says,
                "Metrics": queries,
                "ComparisonOperator": "GreaterThanThreshold",
                "Threshold": self.threshold,
                "EvaluationPeriods": self.periods,
                "TreatMissingData": "notBreaching",
                "AlarmActions": actions,
                "OKActions": actions,
            },
        });
        (format!("{id}{}Alarm", self.kind), resource)
    }
}

/// A sum in which a missing value counts as 0.
const SUM: &str = "SUM(FILL(METRICS(), 0))";
const GREATEST: &str = "MAX(METRICS())";

/// A module, with the metrics of its verbs.
struct Watched<'c> {
    module: &'c Module,
    namespace: String,
    verbs: Vec<&'static str>,
}

impl<'c> Watched<'c> {
    fn new(config: &Config, module: &'c Module) -> Self {
        let verbs = module.verbs();
        let has_batch = Batch::verbs().iter().any(|verb| verbs.contains(verb));
        let named = verbs.iter().map(Verb::as_str);
        Self {
            module,
            namespace: config.service.namespace(),
            verbs: named
                .chain(has_batch.then_some(Call::Batch.name()))
                .collect(),
        }
    }

    /// The metric of this name, for each verb.
    fn each(&self, name: &'static str) -> impl Iterator<Item = (&'static str, Metric)> {
        self.verbs.iter().map(move |verb| {
            let dimensions = vec![
                (metric::MODULE, self.module.name().to_string()),
                (metric::VERB, (*verb).to_owned()),
            ];
            let namespace = self.namespace.clone();
            (
                *verb,
                Metric {
                    namespace,
                    name,
                    dimensions,
                },
            )
        })
    }

    fn graphs(&self) -> Vec<Graph> {
        let graph = |title: &str, lines: &[(&'static str, &str, &str)]| Graph {
            title: format!("{}: {title}", self.module.name()),
            lines: lines
                .iter()
                .flat_map(|&(name, statistic, label)| {
                    let each = self.each(name);
                    each.map(move |(verb, metric)| {
                        metric.line(statistic, format!("{verb} {label}").trim_end())
                    })
                })
                .collect(),
        };
        vec![
            graph("requests", &[(metric::REQUESTS, "Sum", "")]),
            graph(
                "errors",
                &[
                    (metric::CLIENT_ERRORS, "Sum", "4xx"),
                    (metric::SERVER_ERRORS, "Sum", "5xx"),
                ],
            ),
            graph(
                "time, µs",
                &[
                    (metric::DURATION, "p50", "p50"),
                    (metric::DURATION, "p99", "p99"),
                ],
            ),
            graph(
                "DynamoDB",
                &[
                    (metric::READ_UNITS, "Sum", "read units"),
                    (metric::WRITE_UNITS, "Sum", "write units"),
                    (metric::THROTTLES, "Sum", "throttles"),
                ],
            ),
        ]
    }

    fn alarms(&self) -> Vec<Alarm> {
        let name = self.module.name();
        let alarm = |kind, metric, says: String| Alarm {
            of: (logical_name(name), name.to_string()),
            kind,
            says,
            expression: SUM,
            statistic: "Sum",
            metrics: self.each(metric).map(|(_, metric)| metric).collect(),
            threshold: 0,
            periods: PERIODS,
        };
        let minutes = PERIOD / 60;
        vec![
            Alarm {
                threshold: ERRORS,
                periods: 1,
                ..alarm(
                    "Errors",
                    metric::SERVER_ERRORS,
                    format!(
                        "More than {ERRORS} requests of {name} failed within {minutes} minutes"
                    ),
                )
            },
            Alarm {
                expression: GREATEST,
                statistic: "p99",
                threshold: SLOW,
                ..alarm(
                    "Latency",
                    metric::DURATION,
                    format!("One request of {name} in a hundred takes longer than a second"),
                )
            },
            alarm(
                "Throttles",
                metric::THROTTLES,
                format!("DynamoDB throttles {name}, and goes on doing so"),
            ),
        ]
    }
}

/// The Lambda function, by Lambda's own metrics.
struct Function {
    name: String,
    namespace: String,
}

impl Function {
    fn of(config: &Config) -> Self {
        let service = &config.service;
        Self {
            // As the deployment names it.
            name: format!("{}-{}-api", service.name, service.stage),
            namespace: "AWS/Lambda".to_owned(),
        }
    }

    fn metric(&self, name: &'static str) -> Metric {
        Metric {
            namespace: self.namespace.clone(),
            name,
            dimensions: vec![("FunctionName", self.name.clone())],
        }
    }

    fn graphs(&self) -> Vec<Graph> {
        let graph = |title: &str, lines: &[(&'static str, &str, &str)]| Graph {
            title: format!("the function: {title}"),
            lines: lines
                .iter()
                .map(|(name, statistic, label)| self.metric(name).line(statistic, label))
                .collect(),
        };
        vec![
            graph("invocations", &[("Invocations", "Sum", "invocations")]),
            graph(
                "errors",
                &[
                    ("Errors", "Sum", "errors"),
                    ("Throttles", "Sum", "throttles"),
                ],
            ),
            graph(
                "time, ms",
                &[("Duration", "p50", "p50"), ("Duration", "p99", "p99")],
            ),
            graph(
                "at once",
                &[("ConcurrentExecutions", "Maximum", "invocations")],
            ),
        ]
    }

    fn alarms(&self) -> Vec<Alarm> {
        let alarm = |kind, metric, says: &str| Alarm {
            of: ("Function".to_owned(), "function".to_owned()),
            kind,
            says: says.to_owned(),
            expression: SUM,
            statistic: "Sum",
            metrics: vec![self.metric(metric)],
            threshold: 0,
            periods: 1,
        };
        vec![
            alarm(
                "Errors",
                "Errors",
                "The function failed, and not a request of it",
            ),
            alarm(
                "Throttles",
                "Throttles",
                "Lambda starts no more of the function at once",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::module::name::Stage;

    fn config(text: &str) -> Config {
        let stage: Stage = "prod".parse().expect("a valid stage");
        config::parse(text, "modules.toml".as_ref(), &stage, []).expect("valid")
    }

    const MODULES: &str = r#"
        [service]
        name = "salas"

        [modules.rooms]
        key = "roomId"

        [modules.log-book]
        key = "id"
        methods = ["LIST"]
    "#;

    #[test]
    fn of_two_modules() {
        let topic = "arn:aws:sns:sa-east-1:123456789012:alarms";
        let dashboard = Dashboard::new(&config(MODULES), Some(topic)).expect("there are metrics");
        insta::assert_snapshot!(dashboard.to_json());
    }

    #[test]
    fn the_body_is_json_that_fits_the_grid() {
        let dashboard = Dashboard::new(&config(MODULES), None).expect("there are metrics");
        let resources = dashboard.0["Resources"].as_object().expect("an object");
        let body = &resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"];
        let body: Value = serde_json::from_str(body.as_str().expect("a text")).expect("JSON");
        let widgets = body["widgets"].as_array().expect("a list");
        assert_eq!(widgets.len(), 12);
        for widget in widgets {
            let end = ["x", "width"].map(|side| widget[side].as_u64().expect("a number"));
            assert!(end.iter().sum::<u64>() <= 24, "{widget}");
        }
        // Alarms by expressions may have ten metrics.
        for resource in resources.values() {
            let metrics = resource["Properties"]["Metrics"].as_array();
            assert!(
                metrics.is_none_or(|metrics| metrics.len() <= 10),
                "{resource}"
            );
        }
    }

    #[test]
    fn without_metrics_there_is_nothing_to_see() {
        let silent = config(&MODULES.replace("[service]", "[service]\nmetrics = false"));
        assert_eq!(Dashboard::new(&silent, None), Err(NoMetrics));
    }
}
