//! What AWS takes at the most of a deployment, and of the answers that its function gives.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Change, Plan, Verdict};
use crate::api::answer_limit::{AnswerLimit, json_len};
use crate::config::Config;
use crate::deploy::generate::{Dashboard, Deployment};
use crate::item::schema::InvalidSchema;
use crate::module::name::Stage;
use crate::openapi::{self, Undescribed};

/// The longest template that CloudFormation takes, in bytes.
const TEMPLATE_BYTES: usize = 1_048_576;

/// The most resources of one stack.
const RESOURCES: usize = 500;

/// The most managed policies of one role, unless AWS has raised it for the account.
const POLICIES: usize = 10;

/// What osls adds to the template where every front door is open.
const RESOURCES_OF_OSLS: usize = 19;
const BYTES_OF_OSLS: usize = 8_192;

/// The share of a limit, in percent, from which on it is reported that it is near.
const NEAR: usize = 80;

const SPLIT: &str = "split the modules between two services, each with a modules.toml of its own";

/// Something of which AWS takes so much.
struct Use {
    of: String,
    what: &'static str,
    found: usize,
    limit: usize,
    /// What comes of it if there is more.
    over: Verdict,
    way_on: String,
}

impl Plan {
    /// Adds what of `deployment` is over a limit of AWS or near it, with its `dashboard` if it is to
    /// have one.
    ///
    /// # Errors
    /// A schema can't be read, which one that was checked can.
    pub fn add_limits(
        &mut self,
        config: &Config,
        deployment: &Deployment,
        dashboard: Option<&Dashboard>,
        stage: &Stage,
    ) -> Result<(), Arc<InvalidSchema>> {
        let of_stack = of_stack(deployment, dashboard);
        let of_nested = deployment.nested().flat_map(of_nested);
        let uses = of_stack.into_iter().chain(of_nested);
        let uses = uses.chain(of_description(config)?);
        self.0.extend(uses.filter_map(|part| part.report(stage)));
        Ok(())
    }
}

impl Use {
    fn report(self, stage: &Stage) -> Option<Change> {
        let Self {
            of,
            what,
            found,
            limit,
            over,
            way_on,
        } = self;
        if found * 100 < limit * NEAR {
            return None;
        }
        let (verdict, consequence) = if found <= limit {
            (Verdict::Fine, format!("before there is more: {way_on}"))
        } else if stage.is_local() {
            // An emulator may take it.
            (Verdict::Fine, way_on)
        } else {
            (over, way_on)
        };
        Some(Change {
            subject: "limits".to_owned(),
            verdict,
            edit: format!("{of} has about {found} {what}, and AWS takes {limit}"),
            consequence,
        })
    }
}

/// What is in the service's own stack.
fn of_stack(deployment: &Deployment, dashboard: Option<&Dashboard>) -> [Use; 3] {
    let dashboards = dashboard.map(Dashboard::resources);
    let resources = [Some(deployment.resources()), dashboards];
    let resources = resources.into_iter().flatten();
    let bytes: usize = resources.clone().map(length).sum();
    let count: usize = resources.map(members).sum();
    let around = length(deployment.statements()) + length(deployment.metadata());

    let nested = format!("give new modules a nested stack, with stack = 1; or {SPLIT}");
    let way_on = match dashboard {
        Some(_) => format!("leave the dashboard out (--param dashboard=false), or {nested}"),
        None => nested,
    };
    let part = |what, found, limit, way_on| Use {
        of: "the stack".to_owned(),
        what,
        found,
        limit,
        over: Verdict::Fails,
        way_on,
    };
    [
        part(
            "bytes of template",
            bytes + around + BYTES_OF_OSLS,
            TEMPLATE_BYTES,
            way_on.clone(),
        ),
        part("resources", count + RESOURCES_OF_OSLS, RESOURCES, way_on),
        part(
            "managed policies of the function's role",
            deployment.policies(),
            POLICIES,
            SPLIT.to_owned(),
        ),
    ]
}

/// What is in a nested stack.
fn of_nested((number, template): (&String, &Value)) -> [Use; 2] {
    let part = |what, found, limit| Use {
        of: format!("nested stack {number}"),
        what,
        found,
        limit,
        over: Verdict::Fails,
        way_on: "give new modules another `stack`".to_owned(),
    };
    [
        part("bytes of template", length(template), TEMPLATE_BYTES),
        part("resources", members(&template["Resources"]), RESOURCES),
    ]
}

/// The API's description, which is one answer of the function.
fn of_description(config: &Config) -> Result<Option<Use>, Arc<InvalidSchema>> {
    if !config.service.docs {
        return Ok(None);
    }
    let document = match openapi::document(config, None, usize::MAX) {
        Ok(document) => document,
        Err(Undescribed::Schema(invalid)) => return Err(invalid),
        Err(Undescribed::TooLarge { .. }) => unreachable!("no text is longer"),
    };
    Ok(Some(Use {
        of: "the API's description (`/_openapi.json`)".to_owned(),
        what: "bytes as an answer",
        found: json_len(document.as_bytes()),
        limit: AnswerLimit::Lambda.body_bytes(),
        // Whoever asks for it gets an error, and all else is served.
        over: Verdict::Breaks,
        way_on: format!(
            "say docs = false in [service], and print it with `modulo openapi`; or {SPLIT}"
        ),
    }))
}

fn length(part: &Value) -> usize {
    part.to_string().len()
}

fn members(part: &Value) -> usize {
    part.as_object().map_or(0, Map::len)
}
