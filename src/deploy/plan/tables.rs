//! The modules' tables as they are, and what a deployment does with each: it makes the table, imports
//! it, or leaves it to whom it belongs.

use std::pin::pin;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::TableDescription;
use futures_util::StreamExt;
use serde_json::{Map, Value};

use super::deployed::{self, Deployed, Owner, UnknownDeployment};
use super::live::Live;
use super::{Change, Changes, Description};
use crate::config::Config;
use crate::deploy::generate::{self, STREAM_VIEW, table_id};
use crate::module::few::few;
use crate::module::name::Stage;
use crate::module::{Purpose, Table};
use crate::store::{self, Misfit, Unusable};

/// The tables that a deployment imports: each as CloudFormation must describe it for that, by its
/// logical id. `serverless/import.cjs` takes it from here.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Imports(Map<String, Value>);

impl Imports {
    /// As JSON, with a newline at its end.
    #[must_use]
    pub fn to_json(&self) -> String {
        format!("{:#}\n", Value::from(self.0.clone()))
    }
}

/// The modules' tables as they are.
pub(super) struct Tables<'p> {
    pub(super) account: &'p SdkConfig,
    pub(super) client: Client,
    pub(super) stage: &'p Stage,
    pub(super) stack: &'p str,
    pub(super) deployed: &'p Deployed,
    pub(super) wanted: &'p Description,
}

/// What was found.
#[derive(Default)]
struct Found {
    changes: Changes,
    imports: Map<String, Value>,
    /// The tables that may not be looked at.
    hidden: Vec<String>,
}

impl Tables<'_> {
    pub(super) async fn look(
        &self,
        config: &Config,
    ) -> Result<(Vec<Change>, Imports), UnknownDeployment> {
        let mut described = pin!(store::describe_all(&self.client, config.modules.tables()));
        let mut found = Found::default();
        while let Some((table, described)) = described.next().await {
            found.changes.of(table.owner().as_str());
            match described {
                Ok(described) => self.look_at(table, described, &mut found).await,
                Err(unusable) if is_denied(&unusable) => found.hide(table),
                Err(source) => {
                    return Err(UnknownDeployment::Table {
                        table: table.name().to_string(),
                        source,
                    });
                }
            }
        }
        if !found.hidden.is_empty() {
            found.changes.of("tables");
            found.changes.doubt(
                format!("{} may not be looked at", few(&found.hidden)),
                "the deployment fails if one of them is there and not in the stack; allow \
                 dynamodb:DescribeTable, dynamodb:DescribeContinuousBackups and \
                 dynamodb:DescribeTimeToLive, and plan again",
            );
        }
        Ok((found.changes.found, Imports(found.imports)))
    }

    async fn look_at(&self, table: &Table, there: Option<TableDescription>, found: &mut Found) {
        let name = table.name().as_str();
        let owned = self.deployed.tables.get(&table_id(table));
        let is_owned = owned.map(String::as_str) == Some(name);
        match there {
            // That there can be no history then is a fault of its own.
            None if !table.create() && table.purpose() == Purpose::History => {}
            None if !table.create() => {
                let unusable = Unusable::absent(table).to_string();
                let consequence = "the function answers each request of the module with an error";
                found.changes.add(true, unusable, consequence);
            }
            None if is_owned => found.changes.add(
                true,
                format!("table `{name}` was deleted, though not by a deployment"),
                "a deployment does not make it anew: take the module out, deploy, put it back, and \
                 deploy again",
            ),
            None => {
                let edit = match table.purpose() {
                    Purpose::History => "the table of its versions is created",
                    Purpose::Items | Purpose::Idempotency => "its table is created",
                };
                found.changes.add(false, edit, "it begins empty");
            }
            Some(there) => {
                let live = Live::look(&self.client, there).await;
                if live.is_hidden() {
                    found.hide(table);
                }
                if !table.create() {
                    self.leave(table, &live, &mut found.changes);
                } else if is_owned {
                    self.keep(table, &live, &mut found.changes);
                } else {
                    self.import(table, &live, found).await;
                }
            }
        }
    }

    /// A table that is somebody else's, and stays so.
    fn leave(&self, table: &Table, live: &Live, changes: &mut Changes) {
        if let Err(unusable) = store::check(&live.description, table) {
            let consequence = "the function cannot serve the module; the table is not the stack's, \
                so no deployment mends it";
            changes.add(true, unusable.to_string(), consequence);
            return;
        }
        let before = self
            .deployed
            .description
            .modules
            .get(table.owner().as_str());
        let is_new = before.is_none_or(|before| before.create);
        let ttl = table.ttl().filter(|ttl| live.ttl() != Some(ttl.as_str()));
        if let Some(ttl) = ttl.filter(|_| !live.is_hidden()) {
            let edit = format!("TTL by `{ttl}` is not on in table `{}`", table.name());
            let consequence = "the function hides items that have expired, and DynamoDB does not \
                delete them; whoever has the table turns TTL on";
            changes.add(false, edit, consequence);
        } else if is_new {
            let edit = format!("table `{}` is left as it is", table.name());
            let consequence = "`create = false`: the function uses it, and no deployment makes, \
                changes or removes it";
            changes.add(false, edit, consequence);
        }
    }

    /// A table of the stack's, which somebody may have changed since, or an emulator not changed
    /// when it should have.
    fn keep(&self, table: &Table, live: &Live, changes: &mut Changes) {
        if let Err(unusable) = store::check(&live.description, table) {
            if !self.is_edited(table, &unusable) {
                let consequence = "a deployment does not mend it: CloudFormation compares with its \
                    last template, and not with the table";
                changes.add(true, unusable.to_string(), consequence);
            }
            return;
        }
        let deployed = self.deployed.properties.get(&table_id(table));
        let Some(deployed) = deployed.filter(|_| !live.is_hidden()) else {
            return;
        };
        let mut drift = live.differences(table, self.stage, deployed);
        let ttl = deployed["TimeToLiveSpecification"]["AttributeName"].as_str();
        if live.ttl() != ttl {
            drift.push(ttl_difference(live.ttl(), ttl));
        }
        if let Some(view) = live.stream()
            && deployed["StreamSpecification"].is_null()
        {
            drift.push(format!("it has a stream ({view}), and should have none"));
        }
        if !drift.is_empty() {
            let edit = format!("table `{}` has drifted: {}", table.name(), drift.join("; "));
            let consequence = "this deployment leaves it so: CloudFormation compares with its last \
                template, and not with the table; mend the table, or have CloudFormation do it \
                with a change set of the mode REVERT_DRIFT";
            changes.add(false, edit, consequence);
        }
    }

    /// Whether what is unusable is what this deployment is to change, of which the edit itself tells.
    fn is_edited(&self, table: &Table, unusable: &Unusable) -> bool {
        let name = table.owner().as_str();
        let before = self.deployed.description.modules.get(name);
        let after = self.wanted.modules.get(name);
        let (Unusable::Unfit { misfits, .. }, Some(before), Some(after)) =
            (unusable, before, after)
        else {
            return false;
        };
        misfits.iter().all(|misfit| match misfit.index() {
            None => before.key != after.key,
            Some(index) => before.indexes.get(index) != after.indexes.get(index),
        })
    }

    /// A table that is there, and that the stack is to have and does not have yet.
    async fn import(&self, table: &Table, live: &Live, found: &mut Found) {
        let name = table.name().as_str();
        let changes = &mut found.changes;
        let (stack, of_stack) = (self.stack, &self.deployed.tables);
        if of_stack.values().any(|table| table == name) {
            changes.fail(
                format!("table `{name}` is in stack `{stack}` for another module already"),
                "CloudFormation makes a table for the new module before it lets go of the old \
                 one's: the deployment fails, or an emulator puts an empty table in its place; \
                 keep the module's name, or name another `table`",
            );
            return;
        }
        let owner = deployed::owner(self.account, name).await;
        if let Owner::Stack(other) = owner {
            changes.fail(
                format!("table `{name}` is there already, in stack `{other}`"),
                format!(
                    "use it as it is: create = false in modules.toml; or have `{other}` let go of \
                     it (deploy `DeletionPolicy: Retain` there, then remove the table from that \
                     stack), and deploy again, which imports it"
                ),
            );
            return;
        }
        if live.is_hidden() {
            return;
        }
        let id = table_id(table);
        let replaced = of_stack.get(&id).map(|other| {
            format!(
                "CloudFormation does not import a table in the place of another, here `{other}`; \
                 take the module out, deploy, put it back, and deploy again"
            )
        });
        if let Some(reason) = not_importable(table, live).or(replaced) {
            let edit = format!("table `{name}` is there already, and not in stack `{stack}`");
            changes.fail(edit, format!("it cannot be imported: {reason}"));
            return;
        }
        let wanted = generate::resource(table, self.stage);
        let differences = live.differences(table, self.stage, &wanted["Properties"]);
        say_import(table, live, &differences, changes);
        if owner == Owner::Unknown {
            changes.doubt(
                format!("whether another stack has table `{name}` may not be looked at"),
                "if one has it, the deployment stops before anything changes; allow \
                 cloudformation:DescribeStackResources, and plan again",
            );
        }
        found.imports.insert(id, live.resource(table, self.stage));
    }
}

impl Found {
    fn hide(&mut self, table: &Table) {
        self.hidden.push(format!("`{}`", table.name()));
    }
}

/// Why a table that belongs to no stack can't be imported.
fn not_importable(table: &Table, live: &Live) -> Option<String> {
    if table.stack().is_some() {
        return Some(
            "no deployment imports a table into a nested stack; leave `stack` out, or say \
             create = false to use the table as it is, or delete it if a deployment that failed \
             has left it empty"
                .to_owned(),
        );
    }
    match store::check(&live.description, table) {
        Err(Unusable::Unfit { misfits, .. })
            if (misfits.iter()).all(|misfit| matches!(misfit, Misfit::NoIndex { .. })) =>
        {
            if misfits.len() > 1 {
                return Some(format!(
                    "it lacks {} indexes, and one deployment makes one; import it with one of \
                     them, and deploy the others one at a time",
                    misfits.len()
                ));
            }
        }
        Err(unusable) => return Some(unusable.to_string()),
        Ok(()) => {}
    }
    if let (Some(wanted), Some(now)) = (table.ttl(), live.ttl())
        && wanted.as_str() != now
    {
        return Some(format!(
            "its TTL is by `{now}`, and the module's by `{wanted}`, which one deployment cannot \
             change; say ttl = \"{now}\", or turn the table's TTL off first"
        ));
    }
    (!table.retain()).then(|| {
        format!(
            "CloudFormation imports only what it retains; say retain = true, name another \
             `table` in modules.toml, or delete `{}`",
            table.name()
        )
    })
}

/// What an import does, and what the same deployment sets after it.
fn say_import(table: &Table, live: &Live, differences: &[String], changes: &mut Changes) {
    let name = table.name();
    let mut set = differences.to_vec();
    if let (Some(ttl), None) = (table.ttl(), live.ttl()) {
        set.push(ttl_difference(None, Some(ttl.as_str())));
    }
    if let Err(Unusable::Unfit { misfits, .. }) = store::check(&live.description, table) {
        let missing = misfits.iter().filter_map(Misfit::index);
        set.extend(missing.map(|index| format!("there is no index `{index}`")));
    }
    let consequence = if set.is_empty() {
        "its items and settings stay as they are".to_owned()
    } else {
        format!(
            "its items stay, and so do its settings in the import; then the same deployment sets \
             what is not in force: {}",
            set.join("; ")
        )
    };
    let stream = match (live.stream(), table.stream()) {
        (Some(view), false) => format!("; its stream ({view}) stays"),
        (Some(view), true) if view != STREAM_VIEW => format!(
            "; its stream shows {view}, and the same deployment makes another in its place, which \
             shows {STREAM_VIEW} and has another ARN: who reads the stream has to be told"
        ),
        _ => String::new(),
    };
    changes.add(
        false,
        format!("table `{name}` is there already, in no stack, and is imported"),
        consequence + &stream,
    );
    match (table.ttl(), live.ttl()) {
        (Some(ttl), None) => changes.add(
            true,
            format!("ttl is now `{ttl}`"),
            "DynamoDB deletes items whose time in that attribute has passed",
        ),
        (None, Some(ttl)) => changes.add(
            false,
            format!("TTL by `{ttl}` stays on in table `{name}`"),
            format!(
                "DynamoDB goes on deleting items by it, and the module does not hide those that \
                 have expired; it does with ttl = \"{ttl}\" in modules.toml"
            ),
        ),
        _ => {}
    }
}

fn ttl_difference(now: Option<&str>, wanted: Option<&str>) -> String {
    let words = |ttl: Option<&str>| ttl.map_or("off".to_owned(), |name| format!("by `{name}`"));
    format!("TTL is {}, and should be {}", words(now), words(wanted))
}

/// DynamoDB's error for what the caller has no permission for.
fn is_denied(unusable: &Unusable) -> bool {
    unusable.to_string().contains("AccessDenied")
}
