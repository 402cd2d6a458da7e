//! Which ids the services are asked for: those of the table, and some that are not in it.

use std::collections::HashMap;

use anyhow::{Context, bail};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeySchemaElement, KeyType as Role, ScalarAttributeType, TableDescription,
};
use futures_util::Stream;
use futures_util::stream::{self, TryStreamExt};
use indexmap::IndexSet;
use percent_encoding::utf8_percent_encode;
use uuid::Uuid;

use crate::aws::failure::Failure;
use crate::local::backend::Tables;
use crate::module::Module;
use crate::module::path::RESERVED_IN_PATHS;
use crate::module::tenant::Tenant;

type Key = HashMap<String, AttributeValue>;

/// The ids of a table.
pub(super) struct Ids {
    client: Client,
    table: String,
    /// The attributes of its key and their types, the partition's first.
    key: Vec<(String, ScalarAttributeType)>,
    /// Whose items are asked for, if the module has tenants.
    tenant: Option<Tenant>,
}

impl Ids {
    /// # Errors
    /// The table can't be described.
    pub(super) async fn of(
        tables: &Tables,
        module: &Module,
        tenant: Option<Tenant>,
    ) -> anyhow::Result<Self> {
        let client = tables.store.client().clone();
        let table = module.table().name().to_string();
        let described = client.describe_table().table_name(&table).send().await;
        let described = described
            .map_err(|error| Failure::new(&error))
            .with_context(|| format!("cannot describe table `{table}`"))?;
        let key = described.table.as_ref().map(key_of).unwrap_or_default();
        Ok(Self {
            client,
            table,
            key,
            tenant,
        })
    }

    /// All of them, as they stand in a path: percent-encoded, with a `/` between the parts of a key.
    pub(super) fn all(&self) -> impl Stream<Item = anyhow::Result<String>> {
        self.after(None)
    }

    /// So many of them. DynamoDB orders items by a hash of their keys, so those that follow a
    /// random place have nothing in common.
    pub(super) async fn sample(&self, count: usize) -> anyhow::Result<IndexSet<String>> {
        let mut ids = IndexSet::new();
        for start in [Some(self.random_key()?), None] {
            let mut found = Box::pin(self.after(start));
            while ids.len() < count
                && let Some(id) = found.try_next().await?
            {
                ids.insert(id);
            }
        }
        Ok(ids)
    }

    /// Ids that have no item: one that is as new ids are, and one that has to be encoded.
    pub(super) fn absent(&self) -> anyhow::Result<Vec<String>> {
        let mut ids = vec![self.fresh("")?];
        if let Some((_, ScalarAttributeType::S)) = self.key.first() {
            ids.push(self.fresh("não há +&?# ")?);
        }
        Ok(ids)
    }

    /// An id that nobody has, and that begins with `prefix`.
    pub(super) fn fresh(&self, prefix: &str) -> anyhow::Result<String> {
        let mut parts = Vec::new();
        for (at, value) in self.fresh_values(prefix)?.iter().enumerate() {
            let of_type = &self.key[at].1;
            parts.push(segment(value).with_context(|| unusable(&self.table, of_type))?);
        }
        Ok(parts.join("/"))
    }

    fn random_key(&self) -> anyhow::Result<Key> {
        let names = self.key.iter().map(|(name, _)| name.clone());
        Ok(names.zip(self.fresh_values("")?).collect())
    }

    fn fresh_values(&self, prefix: &str) -> anyhow::Result<Vec<AttributeValue>> {
        let mut values = Vec::new();
        for (at, (_, of_type)) in self.key.iter().enumerate() {
            let prefix = if at == 0 { prefix } else { "" };
            values.push(match of_type {
                ScalarAttributeType::S => AttributeValue::S(format!("{prefix}{}", Uuid::new_v4())),
                ScalarAttributeType::N => {
                    let is_number = prefix.bytes().all(|byte| byte.is_ascii_digit());
                    if !is_number || prefix.starts_with('0') {
                        bail!(
                            "the ids of table `{}` are numbers; give a prefix of digits",
                            self.table
                        );
                    }
                    let random = fastrand::u64(10_u64.pow(14)..10_u64.pow(15));
                    AttributeValue::N(format!("{prefix}{random}"))
                }
                other => bail!(unusable(&self.table, other)),
            });
        }
        Ok(values)
    }

    /// The ids that follow `start`, or all.
    fn after(&self, start: Option<Key>) -> impl Stream<Item = anyhow::Result<String>> {
        let pages = stream::try_unfold(Some(start), move |next| async move {
            let Some(start) = next else {
                return Ok(None);
            };
            let (ids, last) = self.page(start).await?;
            let ids = stream::iter(ids.into_iter().map(Ok));
            anyhow::Ok(Some((ids, last.map(Some))))
        });
        pages.try_flatten()
    }

    /// A page of ids, and where the next one begins, if there may be one.
    async fn page(&self, start: Option<Key>) -> anyhow::Result<(Vec<String>, Option<Key>)> {
        let names = self.key.iter().map(|(name, _)| name.clone());
        let names = names
            .enumerate()
            .map(|(at, name)| (format!("#k{at}"), name));
        let names: HashMap<_, _> = names.collect();
        let placeholders: Vec<_> = names.keys().cloned().collect();
        let output = self
            .client
            .scan()
            .table_name(&self.table)
            .projection_expression(placeholders.join(", "))
            .set_expression_attribute_names(Some(names))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| Failure::new(&error))
            .with_context(|| format!("cannot read table `{}`", self.table))?;
        let items = output.items.unwrap_or_default();
        let ids = items.iter().filter_map(|item| self.id_of(item)).collect();
        Ok((ids, output.last_evaluated_key))
    }

    /// The id of an item, unless it is another tenant's.
    fn id_of(&self, item: &Key) -> Option<String> {
        let mut parts = Vec::new();
        for (at, (name, _)) in self.key.iter().enumerate() {
            let value = item.get(name)?;
            parts.push(match (&self.tenant, value) {
                (Some(tenant), AttributeValue::S(key)) if at == 0 => encoded(tenant.own(key)?),
                _ => segment(value)?,
            });
        }
        Some(parts.join("/"))
    }
}

/// The attributes of a table's key with their types, the partition's first.
fn key_of(table: &TableDescription) -> Vec<(String, ScalarAttributeType)> {
    let part = |role| {
        let schema: &[KeySchemaElement] = table.key_schema();
        let found = schema.iter().find(|element| *element.key_type() == role)?;
        let name = found.attribute_name();
        let mut definitions = table.attribute_definitions().iter();
        let definition = definitions.find(|definition| definition.attribute_name() == name)?;
        Some((name.to_owned(), definition.attribute_type().clone()))
    };
    [Role::Hash, Role::Range]
        .into_iter()
        .filter_map(part)
        .collect()
}

fn unusable(table: &str, of_type: &ScalarAttributeType) -> String {
    format!("the ids of table `{table}` are of type {of_type}, which no path can have")
}

/// A key's value in a path.
fn segment(value: &AttributeValue) -> Option<String> {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => Some(encoded(text)),
        _ => None,
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED_IN_PATHS).to_string()
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::Config;

    use super::*;

    /// The ids of a table that nobody asks for.
    fn ids(key: &[(&str, ScalarAttributeType)]) -> Ids {
        let key = key
            .iter()
            .map(|(name, of_type)| ((*name).to_owned(), of_type.clone()));
        Ids {
            client: Client::from_conf(Config::builder().behavior_version_latest().build()),
            table: "rooms-local".to_owned(),
            key: key.collect(),
            tenant: None,
        }
    }

    const S: ScalarAttributeType = ScalarAttributeType::S;
    const N: ScalarAttributeType = ScalarAttributeType::N;

    #[test]
    fn an_id_has_a_part_for_each_attribute_of_the_key() {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let item = Key::from([
            ("roomId".to_owned(), text("a/b é")),
            ("at".to_owned(), AttributeValue::N("-1.5".to_owned())),
            ("data".to_owned(), text("x")),
        ]);
        let of = |key: &[_]| ids(key).id_of(&item);
        assert_eq!(of(&[("roomId", S)]).as_deref(), Some("a%2Fb%20%C3%A9"));
        assert_eq!(
            of(&[("roomId", S), ("at", N)]).as_deref(),
            Some("a%2Fb%20%C3%A9/-1.5")
        );
        assert_eq!(of(&[("other", S)]), None);
    }

    #[test]
    fn made_up_ids_are_of_the_key_s_types() {
        let pair = ids(&[("roomId", S), ("at", N)]);
        let id = pair.fresh("cmp-").expect("S and N");
        let (room, at) = id.split_once('/').expect("two parts");
        assert!(room.starts_with("cmp-"), "{id}");
        assert!(at.parse::<u64>().is_ok(), "{id}");
        assert_ne!(pair.fresh("cmp-").expect("S and N"), id);

        let number = ids(&[("number", N)]);
        let id = number.fresh("99").expect("digits");
        assert!(id.starts_with("99") && id.parse::<u64>().is_ok(), "{id}");
        for prefix in ["cmp-", "07"] {
            let error = number.fresh(prefix).expect_err("no number begins so");
            assert_eq!(
                error.to_string(),
                "the ids of table `rooms-local` are numbers; give a prefix of digits"
            );
        }
        let error = ids(&[("id", ScalarAttributeType::B)]).fresh("");
        let message = "the ids of table `rooms-local` are of type B, which no path can have";
        assert_eq!(error.expect_err("binary").to_string(), message);
    }
}
