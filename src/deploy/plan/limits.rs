//! What AWS takes at the most of a deployment.

use super::{Change, Plan, Verdict};
use crate::deploy::generate::{Dashboard, Deployment};
use crate::module::name::Stage;

/// The longest template that CloudFormation takes, in bytes.
const TEMPLATE_BYTES: usize = 1_048_576;

/// The most resources of one stack.
const RESOURCES: usize = 500;

/// The most managed policies of one role, unless AWS has raised it for the account.
const POLICIES: usize = 10;

/// What osls adds to the template where every front door is open.
const RESOURCES_OF_OSLS: usize = 19;
const BYTES_OF_OSLS: usize = 8_192;

impl Plan {
    /// Adds what of `deployment` is over a limit of AWS, with its `dashboard` if it is to have one.
    pub fn add_limits(
        &mut self,
        deployment: &Deployment,
        dashboard: Option<&Dashboard>,
        stage: &Stage,
    ) {
        let dashboards = dashboard.map(Dashboard::resources);
        let resources = [Some(deployment.resources()), dashboards];
        let resources = resources.into_iter().flatten();
        let bytes: usize = resources.clone().map(|part| part.to_string().len()).sum();
        let count: usize = resources
            .filter_map(|part| Some(part.as_object()?.len()))
            .sum();
        let [statements, metadata] =
            [deployment.statements(), deployment.metadata()].map(|part| part.to_string().len());

        let split = "split the modules between two services, each with a modules.toml of its own";
        let way = match dashboard {
            Some(_) => format!("leave the dashboard out (--param dashboard=false), or {split}"),
            None => split.to_owned(),
        };
        for (what, found, limit, way) in [
            (
                "bytes of template",
                bytes + statements + metadata + BYTES_OF_OSLS,
                TEMPLATE_BYTES,
                way.as_str(),
            ),
            ("resources", count + RESOURCES_OF_OSLS, RESOURCES, &way),
            (
                "managed policies of the function's role",
                deployment.policies(),
                POLICIES,
                split,
            ),
        ] {
            if found <= limit {
                continue;
            }
            // An emulator may take it.
            let verdict = if stage.is_local() {
                Verdict::Fine
            } else {
                Verdict::Fails
            };
            self.0.push(Change {
                subject: "limits".to_owned(),
                verdict,
                edit: format!("the stack has about {found} {what}, and AWS takes {limit}"),
                consequence: way.to_owned(),
            });
        }
    }
}
