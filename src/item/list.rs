//! What a list's query asks for, and the cursor that leads from page to page.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serializer;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::item::id::ItemId;
use crate::item::number::parse_number;
use crate::module::limits;
use crate::module::tenant::Tenant;
use crate::module::{Index, KeyType, Module};

/// Which page of a module is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// How many items at the most.
    pub limit: i32,
    /// After which item the page begins; without one it is the first.
    pub from: Option<Position>,
    /// Whether every write that was acknowledged before must be seen.
    pub consistent: bool,
    /// The members of documents that are wanted, if not all.
    pub fields: Option<Vec<String>>,
    /// The index to be looked into, if not the whole table.
    pub query: Option<IndexQuery>,
}

/// Whether a read must see every write that was acknowledged before: `consistent=true` in the query
/// of an item. Whatever else stands there was never looked at, and is not now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consistent(pub bool);

impl Consistent {
    /// Reads it from a raw query string.
    #[must_use]
    pub fn of(query: Option<&str>) -> Self {
        let mut parameters = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(parameters.any(|(name, value)| name == "consistent" && value == "true"))
    }
}

/// The place of an item in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Its id.
    pub id: String,
    /// Its sort key in the index, where there is one.
    pub sort: Option<String>,
}

/// A part of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexQuery {
    /// The index.
    pub index: Index,
    /// The value of its partition key.
    pub partition: String,
    /// What its sort key must be.
    pub sort: Option<SortCondition>,
    /// Whether the greatest sort key comes first.
    pub descending: bool,
}

/// What a sort key must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortCondition {
    /// `=`, `<`, `<=`, `>` or `>=` a value.
    Compared(&'static str, String),
    /// From the first value to the second, both included.
    Between(String, String),
    /// A text with this beginning.
    BeginsWith(String),
}

/// Why a query asks for no page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuery {
    /// A limit out of range.
    #[error("`limit` is `{0}`, an integer from 1 to {max} is needed", max = PageRequest::MAX_LIMIT)]
    Limit(String),
    /// A cursor that no such list gave.
    #[error("`cursor` is not one that this list has answered with")]
    Cursor,
    /// Neither true nor false.
    #[error("`consistent` is `{0}`, `true` or `false` is needed")]
    Consistent(String),
    /// A tenant's list is an index's.
    #[error("the list of a tenant's items has no consistent reads; leave `consistent` out")]
    ConsistentTenant,
    /// An index has no consistent reads.
    #[error("an index has no consistent reads; leave `consistent` out")]
    ConsistentIndex,
    /// No names of members.
    #[error("`fields` is `{0}`, names of members with commas between them are needed, at most {max}", max = PageRequest::MAX_FIELDS)]
    Fields(String),
    /// Neither up nor down.
    #[error("`order` is `{0}`, `asc` or `desc` is needed")]
    Order(String),
    /// An order of what has none.
    #[error("only a query on an index with a sort key has an `order`; {0}")]
    NoOrder(Indexes),
    /// A value that a key of an index can't have.
    #[error("`{parameter}` is `{value}`, {expected} is needed")]
    Value {
        /// The parameter.
        parameter: String,
        /// Its value.
        value: String,
        /// What is needed.
        expected: String,
    },
    /// A parameter twice.
    #[error("`{0}` is there twice")]
    Twice(String),
    /// More than one range.
    #[error("`{0}` has more than one condition; an index takes one, or `.ge` and `.le` together")]
    Conditions(String),
    /// What neither a list nor an index has.
    #[error(
        "`{parameter}` is unknown here; a list takes `limit`, `cursor`, `consistent` and `fields`, and {indexes}"
    )]
    Unknown {
        /// The parameter.
        parameter: String,
        /// The indexes that there are.
        indexes: Indexes,
    },
    /// Keys that no one index has.
    #[error("no index serves this query; {0}")]
    NoIndex(Indexes),
}

/// The indexes of a module, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indexes(String);

impl Indexes {
    fn of(module: &Module) -> Self {
        let named: Vec<_> = module.indexes().iter().map(ToString::to_string).collect();
        Self(match &*named {
            [] => "there is no index".to_owned(),
            [one] => format!("there is one index, {one}"),
            many => format!("the indexes are {}", many.join(", ")),
        })
    }
}

impl std::fmt::Display for Indexes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl PageRequest {
    /// The page's length where the query names none.
    pub const DEFAULT_LIMIT: i32 = 25;
    /// The greatest length of a page.
    pub const MAX_LIMIT: i32 = 100;
    /// How many members can be asked for by name.
    pub const MAX_FIELDS: usize = 100;

    /// Parses a raw query string, of a list of `tenant`'s items or of all.
    ///
    /// # Errors
    /// A parameter is unknown, its value is invalid, or no index of `module` serves the query.
    pub fn parse(
        query: &str,
        module: &Module,
        tenant: Option<&Tenant>,
    ) -> Result<Self, InvalidQuery> {
        let mut page = Self {
            limit: Self::DEFAULT_LIMIT,
            from: None,
            consistent: false,
            fields: None,
            query: None,
        };
        let mut seen = HashSet::new();
        let (mut cursor, mut order, mut keys) = (None, None, Vec::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if is_foreign(&name) && condition(&name, module).is_none() {
                continue;
            }
            if !seen.insert(name.clone()) {
                return Err(InvalidQuery::Twice(name.into_owned()));
            }
            match &*name {
                "limit" => {
                    page.limit = value
                        .parse()
                        .ok()
                        .filter(|limit| (1..=Self::MAX_LIMIT).contains(limit))
                        .ok_or_else(|| InvalidQuery::Limit(value.into_owned()))?;
                }
                "cursor" => cursor = Some(value),
                "consistent" => {
                    page.consistent = value
                        .parse()
                        .map_err(|_| InvalidQuery::Consistent(value.into_owned()))?;
                }
                "fields" => page.fields = Some(fields(&value)?),
                "order" => order = Some(descending(&value)?),
                _ => keys.push((name, value)),
            }
        }
        if !keys.is_empty() {
            if page.consistent {
                return Err(InvalidQuery::ConsistentIndex);
            }
            page.query = Some(IndexQuery::of(keys, module)?);
        } else if page.consistent && tenant.is_some() {
            return Err(InvalidQuery::ConsistentTenant);
        }
        if let Some(descending) = order {
            match &mut page.query {
                Some(query) if query.index.sort.is_some() => query.descending = descending,
                // What has no order may still be asked for in the default one, as generated clients
                // do.
                _ if !descending => {}
                _ => return Err(InvalidQuery::NoOrder(Indexes::of(module))),
            }
        }
        if let Some(cursor) = cursor {
            let from = page
                .position_of(&cursor, tenant)
                .ok_or(InvalidQuery::Cursor)?;
            page.from = Some(from);
        }
        Ok(page)
    }

    /// The cursor of the page that begins after `position`.
    pub(crate) fn cursor(&self, position: &Position, tenant: Option<&Tenant>) -> String {
        let of = self.fingerprint(tenant);
        let parts = [Some(&position.id), of.as_ref(), position.sort.as_ref()];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        let json = serde_json::to_vec(&parts).expect("texts are JSON");
        URL_SAFE_NO_PAD.encode(json)
    }

    fn position_of(&self, cursor: &str, tenant: Option<&Tenant>) -> Option<Position> {
        let json = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let mut parts = serde_json::from_slice::<Vec<String>>(&json)
            .ok()?
            .into_iter();
        let id = parts.next()?;
        let expected = self.fingerprint(tenant);
        let of = expected.is_some().then(|| parts.next()).flatten();
        let key = self
            .query
            .as_ref()
            .and_then(|query| query.index.sort.as_ref());
        let sort = match key {
            Some(key) => Some(key.key_type.parse(&parts.next()?, limits::SORT_KEY_BYTES)?),
            None => None,
        };
        let is_this = of == expected;
        let max_bytes = tenant.map_or(ItemId::MAX_BYTES, Tenant::max_id_bytes);
        let is_id = (1..=max_bytes).contains(&id.len());
        (is_this && is_id && parts.next().is_none()).then_some(Position { id, sort })
    }

    /// What tells the cursors of this list from those of another. The whole table's have nothing.
    fn fingerprint(&self, tenant: Option<&Tenant>) -> Option<String> {
        if self.query.is_none() && tenant.is_none() {
            return None;
        }
        let query = self.query.as_ref().map(IndexQuery::fingerprint_text);
        let text = query.unwrap_or_default() + tenant.map_or("", Tenant::as_str);
        Some(URL_SAFE_NO_PAD.encode(&Sha256::digest(text)[..8]))
    }
}

/// Whether a parameter is none of ours, though it comes with requests that are meant well: a script
/// adds it to keep caches away, or a link had it that tells where a visitor comes from.
///
/// Caches ignore these names by default (Cloudflare's APO, WP Rocket). Those of theirs that members
/// of documents could have as well, such as `ref`, are left out.
fn is_foreign(name: &str) -> bool {
    name.starts_with("utm_")
        || matches!(
            name,
            // jQuery's, with `cache: false`, and Ext JS's.
            "_" | "_dc"
                | "_ga"
                | "_gl"
                | "_ke"
                | "dclid"
                | "epik"
                | "fb_action_ids"
                | "fb_action_types"
                | "fb_source"
                | "fbclid"
                | "gad_source"
                | "gbraid"
                | "gclid"
                | "gclsrc"
                | "igshid"
                | "li_fat_id"
                | "mc_cid"
                | "mc_eid"
                | "mkt_tok"
                | "msclkid"
                | "ttclid"
                | "twclid"
                | "wbraid"
                | "yclid"
        )
}

/// The key of an index and the operator that a parameter names, if it does.
fn condition<'p>(parameter: &'p str, module: &Module) -> Option<(&'p str, &'static str)> {
    let (name, operator) = match parameter.rsplit_once('.') {
        Some((name, word)) => (name, operator(word)?),
        None => (parameter, "="),
    };
    let mut keys = module.indexes().iter().flat_map(Index::keys);
    keys.any(|key| key.attribute.as_str() == name)
        .then_some((name, operator))
}

fn fields(list: &str) -> Result<Vec<String>, InvalidQuery> {
    let mut names: Vec<_> = list.split(',').map(str::to_owned).collect();
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    let is_name = |name: &String| (1..=255).contains(&name.len());
    if names.len() <= PageRequest::MAX_FIELDS && names.iter().all(is_name) {
        Ok(names)
    } else {
        Err(InvalidQuery::Fields(list.to_owned()))
    }
}

fn descending(order: &str) -> Result<bool, InvalidQuery> {
    match order {
        "asc" => Ok(false),
        "desc" => Ok(true),
        _ => Err(InvalidQuery::Order(order.to_owned())),
    }
}

type Parameter<'q> = (Cow<'q, str>, Cow<'q, str>);

impl IndexQuery {
    /// The query that the parameters `keys` make of the one index that has them all.
    fn of(keys: Vec<Parameter<'_>>, module: &Module) -> Result<Self, InvalidQuery> {
        let mut partition = None;
        let mut conditions: Vec<(Cow<'_, str>, &'static str, Cow<'_, str>)> = Vec::new();
        for (parameter, value) in keys {
            let Some((name, operator)) = condition(&parameter, module) else {
                return Err(InvalidQuery::Unknown {
                    parameter: parameter.into_owned(),
                    indexes: Indexes::of(module),
                });
            };
            conditions.push((name.to_owned().into(), operator, value));
        }
        let named: HashSet<&str> = conditions.iter().map(|(name, ..)| &**name).collect();
        let serves = |index: &&Index| {
            named.contains(index.partition.attribute.as_str())
                && index
                    .keys()
                    .filter(|key| named.contains(key.attribute.as_str()))
                    .count()
                    == named.len()
        };
        let no_index = || InvalidQuery::NoIndex(Indexes::of(module));
        let index = module.indexes().iter().find(serves).ok_or_else(no_index)?;

        let [partition_limit, sort_limit] = module.index_key_limits();
        let mut sorts = Vec::new();
        for (name, operator, value) in conditions {
            if *name == *index.partition.attribute.as_str() {
                if operator != "=" {
                    return Err(no_index());
                }
                partition = Some(key_value(
                    index.partition.key_type,
                    partition_limit,
                    &name,
                    value,
                )?);
            } else if let Some(sort) = &index.sort {
                if operator == BEGINS_WITH && sort.key_type == KeyType::N {
                    return Err(InvalidQuery::Value {
                        parameter: format!("{name}.begins_with"),
                        value: value.into_owned(),
                        expected: "a comparison of numbers".to_owned(),
                    });
                }
                sorts.push((
                    operator,
                    key_value(sort.key_type, sort_limit, &name, value)?,
                ));
            }
        }
        Ok(Self {
            index: index.clone(),
            partition: partition.ok_or_else(no_index)?,
            sort: SortCondition::of(sorts).map_err(|Several| {
                let sort = index.sort.as_ref().map(|sort| sort.attribute.to_string());
                InvalidQuery::Conditions(sort.unwrap_or_default())
            })?,
            descending: false,
        })
    }

    /// All of it as one text.
    fn fingerprint_text(&self) -> String {
        format!(
            "{:?}",
            (
                &self.index.name,
                &self.partition,
                &self.sort,
                self.descending
            )
        )
    }
}

const BEGINS_WITH: &str = "begins_with";

fn operator(word: &str) -> Option<&'static str> {
    match word {
        "eq" => Some("="),
        "lt" => Some("<"),
        "le" => Some("<="),
        "gt" => Some(">"),
        "ge" => Some(">="),
        "begins_with" => Some(BEGINS_WITH),
        _ => None,
    }
}

/// The value of a parameter for a key of this type, whose values have at most `limit` bytes.
fn key_value(
    key_type: KeyType,
    limit: usize,
    name: &str,
    value: Cow<'_, str>,
) -> Result<String, InvalidQuery> {
    key_type
        .parse(&value, limit)
        .ok_or_else(|| InvalidQuery::Value {
            parameter: name.to_owned(),
            value: value.into_owned(),
            expected: match key_type {
                KeyType::S => format!("a text of 1 to {limit} bytes"),
                KeyType::N => "a number".to_owned(),
            },
        })
}

impl KeyType {
    /// The value of a key as DynamoDB is to have it; a number in plain form, in which DynamoDB
    /// takes every number that it can hold.
    fn parse(self, text: &str, limit: usize) -> Option<String> {
        match self {
            Self::S => (1..=limit).contains(&text.len()).then(|| text.to_owned()),
            Self::N => parse_number(text),
        }
    }
}

/// More conditions than DynamoDB takes.
struct Several;

impl SortCondition {
    fn of(conditions: Vec<(&'static str, String)>) -> Result<Option<Self>, Several> {
        let mut conditions = conditions.into_iter();
        Ok(
            match (conditions.next(), conditions.next(), conditions.next()) {
                (None, ..) => None,
                (Some((BEGINS_WITH, prefix)), None, _) => Some(Self::BeginsWith(prefix)),
                (Some((operator, value)), None, _) => Some(Self::Compared(operator, value)),
                (Some((">=", least)), Some(("<=", most)), None)
                | (Some(("<=", most)), Some((">=", least)), None) => {
                    Some(Self::Between(least, most))
                }
                _ => return Err(Several),
            },
        )
    }
}

/// The text of a document with these of its members only; what is no object has none.
pub(crate) fn project(text: &str, fields: &[String]) -> String {
    let members: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(text).unwrap_or_default();
    let wanted = fields
        .iter()
        .filter_map(|name| members.get_key_value(name.as_str()));
    let mut json = Vec::new();
    serde_json::Serializer::new(&mut json)
        .collect_map(wanted)
        .expect("members are JSON");
    String::from_utf8(json).expect("JSON is UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::module::name::Stage;

    fn rooms() -> std::sync::Arc<Module> {
        let text = r#"
            [modules.rooms]
            key = "roomId"
            storage = "document"
            [[modules.rooms.indexes]]
            name = "by-building"
            partition = "building"
            sort = { attribute = "floor", type = "N" }
            [[modules.rooms.indexes]]
            name = "by-owner"
            partition = "owner"
            sort = "name"
        "#;
        let config = config::parse(text, "modules.toml".as_ref(), &Stage::default(), []);
        let config = config.unwrap_or_else(|error| panic!("{error}"));
        std::sync::Arc::clone(config.modules.iter().next().expect("there is one"))
    }

    #[track_caller]
    fn page(query: &str) -> PageRequest {
        PageRequest::parse(query, &rooms(), None)
            .unwrap_or_else(|invalid| panic!("{query}: {invalid}"))
    }

    #[test]
    fn a_query_becomes_a_page_request() {
        let first = page("");
        assert_eq!((first.limit, first.consistent), (25, false));
        let position = Position {
            id: "a b/é".to_owned(),
            sort: None,
        };
        let cursor = first.cursor(&position, None);
        let second = page(&format!(
            "limit=100&cursor={cursor}&consistent=true&fields=a,b"
        ));
        assert_eq!((second.limit, second.consistent), (100, true));
        assert_eq!(second.from, Some(position));
        assert_eq!(second.fields, Some(vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn what_caches_and_links_add_changes_nothing() {
        let foreign = "_=1700000000&_=2&fbclid=x&utm_source=a&utm_source=b&gclid=&_dc=1&";
        assert_eq!(page(foreign), page(""));
        let list = "building=A&floor.ge=1";
        let query = page(&format!("{foreign}{list}"));
        assert_eq!(query, page(list));
        let position = Position {
            id: "x".to_owned(),
            sort: Some("3".to_owned()),
        };
        let cursor = page(list).cursor(&position, None);
        assert_eq!(query.cursor(&position, None), cursor);
        for misspelt in ["fbclids=x", "__=1", "utm=1", "_.eq=1"] {
            let refused = PageRequest::parse(misspelt, &rooms(), None);
            assert!(
                matches!(refused, Err(InvalidQuery::Unknown { .. })),
                "{misspelt}: {refused:?}"
            );
        }
    }

    #[test]
    fn a_key_of_an_index_may_have_any_name() {
        let text = r#"
            [modules.visits]
            key = "id"
            storage = "document"
            indexes = [{ name = "by-campaign", partition = "utm_campaign", sort = "_" }]
        "#;
        let config = config::parse(text, "modules.toml".as_ref(), &Stage::default(), []);
        let config = config.unwrap_or_else(|error| panic!("{error}"));
        let module = config.modules.iter().next().expect("there is one");
        let parse = |query| PageRequest::parse(query, module, None);
        let page = parse("utm_campaign=may&_.ge=3&utm_source=x").expect("valid");
        let query = page.query.expect("a query");
        assert_eq!(query.partition, "may");
        let sort = Some(SortCondition::Compared(">=", "3".to_owned()));
        assert_eq!(query.sort, sort);
        assert!(matches!(parse("_=3"), Err(InvalidQuery::NoIndex(_))));
    }

    #[test]
    fn keys_choose_the_index_that_has_them_all() {
        for (query, index, sort) in [
            ("building=A", "by-building", None),
            (
                "building=A&floor=3",
                "by-building",
                Some(SortCondition::Compared("=", "3".into())),
            ),
            (
                "floor.lt=3&building=A",
                "by-building",
                Some(SortCondition::Compared("<", "3".into())),
            ),
            (
                "building=A&floor.le=9&floor.ge=3",
                "by-building",
                Some(SortCondition::Between("3".into(), "9".into())),
            ),
            (
                "owner=x&name.begins_with=S",
                "by-owner",
                Some(SortCondition::BeginsWith("S".into())),
            ),
        ] {
            let found = page(query).query.expect("a query");
            assert_eq!(found.index.name.as_str(), index, "of {query}");
            assert_eq!(found.sort, sort, "of {query}");
        }
        assert!(
            page("building=A&order=desc")
                .query
                .expect("a query")
                .descending
        );
    }

    #[test]
    fn a_cursor_is_of_one_list_only() {
        let position = Position {
            id: "x".to_owned(),
            sort: Some("3".to_owned()),
        };
        let query = page("building=A&floor.ge=1");
        let cursor = query.cursor(&position, None);
        assert_eq!(
            page(&format!("building=A&floor.ge=1&cursor={cursor}")).from,
            Some(position)
        );
        for other in [
            "",
            "building=B&floor.ge=1",
            "building=A&floor.ge=2",
            "building=A",
            "owner=A",
        ] {
            let refused = PageRequest::parse(&format!("{other}&cursor={cursor}"), &rooms(), None);
            assert_eq!(refused, Err(InvalidQuery::Cursor), "of {other}");
        }
    }

    #[test]
    fn an_illegal_query_is_reported_what_is_legal() {
        let refused: Vec<_> = [
            "limit=0",
            "limit=101",
            "limit=x",
            "cursor=%21",
            "cursor=",
            "consistent=yes",
            "size=3",
            "fields=a,,b",
            "order=up&building=A",
            "order=desc",
            "limit=1&limit=2",
            "building.lt=A",
            "floor=3",
            "building=A&owner=x",
            "building=A&floor=x",
            "building=A&floor.begins_with=1",
            "building=A&floor.gt=1&floor.lt=5",
            "building=A&floor.between=1",
            "building=A&consistent=true",
            "owner=",
        ]
        .into_iter()
        .map(|query| match PageRequest::parse(query, &rooms(), None) {
            Ok(page) => panic!("{query} is valid: {page:?}"),
            Err(invalid) => format!("{query}: {invalid}"),
        })
        .collect();
        insta::assert_snapshot!(refused.join("\n"));
    }

    #[test]
    fn a_projection_has_the_members_asked_for() {
        let fields = ["b".to_owned(), "x".to_owned(), "a".to_owned()];
        assert_eq!(
            project(r#"{"a":1.10,"c":[],"b":{"a":1}}"#, &fields),
            r#"{"b":{"a":1},"a":1.10}"#
        );
        assert_eq!(project("[1]", &fields), "{}");
    }
}
