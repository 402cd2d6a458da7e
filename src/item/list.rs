//! What a list's query asks for, and the cursor that leads from page to page.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serializer;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use self::query::Keys;
pub use self::query::{Queried, Query, SortCondition};
use crate::item::id::{ItemId, Partition};
use crate::module::limits;
use crate::module::tenant::Tenant;
use crate::module::{Key, KeyPart, Module};

mod query;

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
    /// What is looked for, if not every item.
    pub query: Option<Query>,
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
    pub id: ItemId,
    /// Its sort key in the index, where there is one.
    pub sort: Option<String>,
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
    /// No time.
    #[error("`at` is `{0}`, a time of RFC 3339 is needed, as in `2026-11-28T22:30:00Z`")]
    Time(String),
    /// What the list of an item's versions does not have.
    #[error("`{0}` is unknown here; the list of an item's versions takes `limit` and `cursor`")]
    UnknownOfVersions(String),
    /// A parameter twice.
    #[error("`{0}` is there twice")]
    Twice(String),
    /// More than one range.
    #[error("`{key}` has more than one condition; {of} takes one, or `.ge` and `.le` together")]
    Conditions {
        /// The sort key.
        key: String,
        /// What it sorts, in words.
        of: &'static str,
    },
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

/// What of a module can be queried, in words.
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

    fn of_partition(sort: &KeyPart) -> Self {
        let sort = &sort.attribute;
        Self(format!(
            "the list of a partition takes `order` and conditions on `{sort}`"
        ))
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

    /// Parses a raw query string, of a list of the items of a `partition` or of all, and of those of
    /// `tenant` or of everybody's.
    ///
    /// # Errors
    /// A parameter is unknown, its value is invalid, or no index of `module` serves the query.
    pub fn parse(
        query: &str,
        module: &Module,
        partition: Option<&Partition>,
        tenant: Option<&Tenant>,
    ) -> Result<Self, InvalidQuery> {
        let keys = match (partition, module.key().sort()) {
            (Some(partition), Some(sort)) => Keys::OfTable(partition, sort),
            _ => Keys::OfIndexes(module),
        };
        let mut page = Self {
            limit: Self::DEFAULT_LIMIT,
            from: None,
            consistent: false,
            fields: None,
            query: None,
        };
        let mut seen = HashSet::new();
        let (mut cursor, mut order, mut conditions) = (None, None, Vec::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if is_foreign(&name) && keys.condition(&name).is_none() {
                continue;
            }
            if !seen.insert(name.clone()) {
                return Err(InvalidQuery::Twice(name.into_owned()));
            }
            match &*name {
                "limit" => page.limit = Self::parse_limit(&value)?,
                "cursor" => cursor = Some(value),
                "consistent" => {
                    page.consistent = value
                        .parse()
                        .map_err(|_| InvalidQuery::Consistent(value.into_owned()))?;
                }
                "fields" => page.fields = Some(fields(&value)?),
                "order" => order = Some(descending(&value)?),
                _ => conditions.push((name, value)),
            }
        }
        if page.consistent {
            keys.check_consistent(!conditions.is_empty(), tenant)?;
        }
        page.query = keys.query(conditions)?;
        if let Some(descending) = order {
            match &mut page.query {
                Some(query) if query.is_sorted() => query.descending = descending,
                // What has no order may still be asked for in the default one, as generated clients
                // do.
                _ if !descending => {}
                _ => return Err(InvalidQuery::NoOrder(Indexes::of(module))),
            }
        }
        if let Some(cursor) = cursor {
            let from = page
                .position_of(&cursor, module.key(), tenant)
                .ok_or(InvalidQuery::Cursor)?;
            page.from = Some(from);
        }
        Ok(page)
    }

    pub(super) fn parse_limit(text: &str) -> Result<i32, InvalidQuery> {
        let limit = text.parse().ok();
        limit
            .filter(|limit| (1..=Self::MAX_LIMIT).contains(limit))
            .ok_or_else(|| InvalidQuery::Limit(text.to_owned()))
    }

    /// The cursor of the page that begins after `position`.
    pub(crate) fn cursor(&self, position: &Position, tenant: Option<&Tenant>) -> String {
        let of = self.fingerprint(tenant);
        let parts = [
            Some(position.id.partition()),
            position.id.sort(),
            of.as_deref(),
            position.sort.as_deref(),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        let json = serde_json::to_vec(&parts).expect("texts are JSON");
        URL_SAFE_NO_PAD.encode(json)
    }

    fn position_of(&self, cursor: &str, key: &Key, tenant: Option<&Tenant>) -> Option<Position> {
        let json = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let mut parts = serde_json::from_slice::<Vec<String>>(&json)
            .ok()?
            .into_iter();
        let partition = parts.next()?;
        let sort = match key.sort() {
            Some(_) => Some(parts.next()?),
            None => None,
        };
        let max_bytes = tenant.map_or(ItemId::MAX_BYTES, Tenant::max_id_bytes);
        let id = ItemId::from_values(partition, sort, key).ok()?;
        id.check(max_bytes, key).ok()?;
        let expected = self.fingerprint(tenant);
        let of = expected.is_some().then(|| parts.next()).flatten();
        let sort = match self.query.as_ref().and_then(Query::index_sort) {
            Some(key) => Some(key.key_type.parse(&parts.next()?, limits::SORT_KEY_BYTES)?),
            None => None,
        };
        let is_within = self
            .query
            .as_ref()
            .is_none_or(|query| query.index().is_some() || query.partition == id.partition());
        let is_this = of == expected && is_within;
        (is_this && parts.next().is_none()).then_some(Position { id, sort })
    }

    /// What tells the cursors of this list from those of another. The whole table's have nothing.
    fn fingerprint(&self, tenant: Option<&Tenant>) -> Option<String> {
        if self.query.is_none() && tenant.is_none() {
            return None;
        }
        let query = self.query.as_ref().map(Query::fingerprint_text);
        let text = query.unwrap_or_default() + tenant.map_or("", Tenant::as_str);
        Some(URL_SAFE_NO_PAD.encode(&Sha256::digest(text)[..8]))
    }
}

/// Whether a parameter is none of ours, though it comes with requests that are meant well: a script
/// adds it to keep caches away, or a link had it that tells where a visitor comes from.
///
/// Caches ignore these names by default (Cloudflare's APO, WP Rocket). Those of theirs that members
/// of documents could have as well, such as `ref`, are left out.
pub(super) fn is_foreign(name: &str) -> bool {
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

    fn bookings() -> std::sync::Arc<Module> {
        let text = r#"
            [modules.bookings]
            key = { partition = "roomId", sort = { attribute = "at", type = "N" } }
            storage = "document"
            [[modules.bookings.indexes]]
            name = "by-owner"
            partition = "owner"
        "#;
        let config = config::parse(text, "modules.toml".as_ref(), &Stage::default(), []);
        let config = config.unwrap_or_else(|error| panic!("{error}"));
        std::sync::Arc::clone(config.modules.iter().next().expect("there is one"))
    }

    fn partition() -> Partition {
        Partition::of("sala90".to_owned())
    }

    fn in_partition(query: &str) -> Result<PageRequest, InvalidQuery> {
        PageRequest::parse(query, &bookings(), Some(&partition()), None)
    }

    fn id(text: &str) -> ItemId {
        ItemId::of(Partition::of(text.to_owned()), None)
    }

    #[track_caller]
    fn page(query: &str) -> PageRequest {
        PageRequest::parse(query, &rooms(), None, None)
            .unwrap_or_else(|invalid| panic!("{query}: {invalid}"))
    }

    #[test]
    fn a_query_becomes_a_page_request() {
        let first = page("");
        assert_eq!((first.limit, first.consistent), (25, false));
        let position = Position {
            id: id("a b/é"),
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
            id: id("x"),
            sort: Some("3".to_owned()),
        };
        let cursor = page(list).cursor(&position, None);
        assert_eq!(query.cursor(&position, None), cursor);
        for misspelt in ["fbclids=x", "__=1", "utm=1", "_.eq=1"] {
            let refused = PageRequest::parse(misspelt, &rooms(), None, None);
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
        let parse = |query| PageRequest::parse(query, module, None, None);
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
            let found_index = found.index().expect("an index");
            assert_eq!(found_index.name.as_str(), index, "of {query}");
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
            id: id("x"),
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
            let refused =
                PageRequest::parse(&format!("{other}&cursor={cursor}"), &rooms(), None, None);
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
        .map(
            |query| match PageRequest::parse(query, &rooms(), None, None) {
                Ok(page) => panic!("{query} is valid: {page:?}"),
                Err(invalid) => format!("{query}: {invalid}"),
            },
        )
        .collect();
        insta::assert_snapshot!(refused.join("\n"));
    }

    #[test]
    fn the_list_of_a_partition_is_a_query_of_the_table() {
        let compared = |operator, value: &str| SortCondition::Compared(operator, value.to_owned());
        for (query, sort, descending) in [
            ("", None, false),
            ("order=desc&consistent=true", None, true),
            ("at=3.0", Some(compared("=", "3")), false),
            ("at.gt=3", Some(compared(">", "3")), false),
            (
                "at.le=9&at.ge=3&_=1",
                Some(SortCondition::Between("3".into(), "9".into())),
                false,
            ),
        ] {
            let page = in_partition(query).expect("valid");
            let expected = Query {
                of: Queried::Table,
                partition: "sala90".to_owned(),
                sort,
                descending,
            };
            assert_eq!(page.query, Some(expected), "of {query}");
        }
        let tenant: Tenant = "acme".parse().expect("a name");
        let (module, partition) = (bookings(), partition());
        let of_tenant =
            |partition| PageRequest::parse("consistent=true", &module, partition, Some(&tenant));
        assert!(of_tenant(Some(&partition)).is_ok());
        assert_eq!(of_tenant(None), Err(InvalidQuery::ConsistentTenant));
        let refused: Vec<_> = [
            "at=x",
            "at.begins_with=1",
            "at.gt=1&at.lt=5",
            "owner=x",
            "roomId=x",
            "order=up",
            "limit=0",
        ]
        .into_iter()
        .map(|query| match in_partition(query) {
            Ok(page) => panic!("{query} is valid: {page:?}"),
            Err(invalid) => format!("{query}: {invalid}"),
        })
        .collect();
        insta::assert_snapshot!(refused.join("\n"));
    }

    #[test]
    fn a_cursor_of_a_partition_is_of_that_partition_and_its_conditions() {
        let module = bookings();
        let position = |partition: &str| {
            let sort = Some("3".to_owned());
            let id = ItemId::from_values(partition.to_owned(), sort, module.key());
            Position {
                id: id.expect("valid"),
                sort: None,
            }
        };
        let page = in_partition("at.ge=1").expect("valid");
        let cursor = page.cursor(&position("sala90"), None);
        let again = in_partition(&format!("at.ge=1&cursor={cursor}")).expect("its own");
        assert_eq!(again.from, Some(position("sala90")));
        let forged = page.cursor(&position("sala91"), None);
        for query in [
            format!("cursor={cursor}"),
            format!("at.ge=2&cursor={cursor}"),
            format!("at.ge=1&order=desc&cursor={cursor}"),
            format!("at.ge=1&cursor={forged}"),
        ] {
            assert_eq!(in_partition(&query), Err(InvalidQuery::Cursor), "{query}");
        }
        let all = |query: &str| PageRequest::parse(query, &module, None, None);
        let refused = all(&format!("cursor={cursor}"));
        assert_eq!(refused, Err(InvalidQuery::Cursor));
        let cursor = all("").expect("valid").cursor(&position("sala91"), None);
        let page = all(&format!("cursor={cursor}")).expect("its own");
        assert_eq!(page.from, Some(position("sala91")));
        let of_index = all("owner=x").expect("valid");
        let cursor = of_index.cursor(&position("sala91"), None);
        let page = all(&format!("owner=x&cursor={cursor}")).expect("its own");
        assert_eq!(page.from, Some(position("sala91")));
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
