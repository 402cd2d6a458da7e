//! DynamoDB's expressions: what is read of an item, and on what a write depends.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use aws_sdk_dynamodb::types::AttributeValue;

use super::storage::{self, Attributes};
use super::stored::StoredItem;
use crate::item::Document;
use crate::item::expiry;
use crate::item::list::{PageRequest, Queried, Query, SortCondition};
use crate::json::content_tag;
use crate::module::reserved::TAG_ATTRIBUTE;
use crate::module::tenant::Tenant;
use crate::module::{KeyType, Module, Storage};

/// How many members of an item are compared, and how many are changed, by one expression: fewer
/// than its 4 KB and 300 operators.
const MAX_MEMBERS: usize = 100;

/// That an item has not expired, or says nothing of it.
const ALIVE: &str = "NOT (#ttl <= :now)";

/// What must hold of the item for a write to be done. One that has expired is not there.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Nothing.
    None,
    /// It is there.
    Exists,
    /// It is not there.
    Absent,
    /// It has not expired, if it is there.
    Alive,
    /// Its document is still this one's.
    Unchanged(Box<StoredItem>),
}

/// An expression with what its placeholders stand for.
#[derive(Debug, Default)]
pub(super) struct Expressions {
    pub(super) text: Option<String>,
    pub(super) names: Option<HashMap<String, String>>,
    pub(super) values: Option<HashMap<String, AttributeValue>>,
}

impl Condition {
    /// That nothing has happened to what was read.
    #[must_use]
    pub fn unchanged(seen: Option<StoredItem>) -> Self {
        seen.map_or(Self::Absent, |item| Self::Unchanged(Box::new(item)))
    }

    pub(super) fn expressions(self, module: &Module) -> Expressions {
        let mut expressions = Expressions::default();
        let expires = module.ttl().is_some();
        let text = match self {
            Self::None => return expressions,
            Self::Alive => {
                expressions.set_now(module);
                ALIVE.to_owned()
            }
            Self::Exists => {
                expressions.name("#key", module.key().partition().attribute.as_str());
                expressions.set_now(module);
                if expires {
                    format!("attribute_exists(#key) AND {ALIVE}")
                } else {
                    "attribute_exists(#key)".to_owned()
                }
            }
            Self::Absent => {
                expressions.name("#key", module.key().partition().attribute.as_str());
                expressions.set_now(module);
                let dead = if expires { " OR #ttl <= :now" } else { "" };
                format!("attribute_not_exists(#key){dead}")
            }
            Self::Unchanged(seen) => match (module.storage(), *seen) {
                (Storage::Document, seen) => expressions.unchanged_members(module, seen.attributes),
                (
                    Storage::Json,
                    StoredItem {
                        data: Some(text), ..
                    },
                ) => {
                    expressions.name("#data", module.document_attribute());
                    expressions.value(":seen", AttributeValue::S(text));
                    "#data = :seen".to_owned()
                }
                (Storage::Json, StoredItem { data: None, .. }) => {
                    expressions.name("#key", module.key().partition().attribute.as_str());
                    expressions.name("#data", module.document_attribute());
                    expressions.value(":string", AttributeValue::S("S".to_owned()));
                    "attribute_exists(#key) AND NOT attribute_type(#data, :string)".to_owned()
                }
            },
        };
        expressions.text = Some(text);
        expressions
    }
}

impl Expressions {
    pub(super) fn name(&mut self, placeholder: &str, attribute: &str) {
        let names = self.names.get_or_insert_default();
        names.insert(placeholder.to_owned(), attribute.to_owned());
    }

    pub(super) fn value(&mut self, placeholder: &str, value: AttributeValue) {
        let values = self.values.get_or_insert_default();
        values.insert(placeholder.to_owned(), value);
    }

    /// Takes over the condition of `others`, and what its placeholders stand for.
    pub(super) fn merge(&mut self, others: Self) {
        self.text = others.text;
        if let Some(names) = others.names {
            self.names.get_or_insert_default().extend(names);
        }
        if let Some(values) = others.values {
            self.values.get_or_insert_default().extend(values);
        }
    }

    /// The part of an update that sets these marks, with a comma before it, and the names of those
    /// that are to be removed.
    pub(super) fn marks(
        &mut self,
        marks: BTreeMap<String, Option<AttributeValue>>,
    ) -> (String, Vec<String>) {
        let (mut update, mut removed) = (String::new(), Vec::new());
        for (at, (name, value)) in marks.into_iter().enumerate() {
            let Some(value) = value else {
                removed.push(name);
                continue;
            };
            self.name(&format!("#m{at}"), &name);
            self.value(&format!(":m{at}"), value);
            let _ = write!(update, ", #m{at} = :m{at}");
        }
        (update, removed)
    }

    fn set_now(&mut self, module: &Module) {
        if let Some(attribute) = module.ttl() {
            self.name("#ttl", attribute.as_str());
            self.value(":now", AttributeValue::N(expiry::now().to_string()));
        }
    }

    /// What is read of each item: of a text its attributes, of members all or those asked for.
    pub(super) fn projection(module: &Module, page: Option<&PageRequest>) -> Self {
        let mut expressions = Self::default();
        let fields = page.and_then(|page| page.fields.as_deref());
        if module.storage() == Storage::Document && fields.is_none() {
            return expressions;
        }
        expressions.name("#key", module.key().partition().attribute.as_str());
        let mut text = "#key".to_owned();
        if let Some(sort) = module.key().sort() {
            expressions.name("#range", sort.attribute.as_str());
            text.push_str(", #range");
        }
        if module.storage() == Storage::Json {
            expressions.name("#data", module.document_attribute());
            text.push_str(", #data");
            if let Some(ttl) = module.ttl() {
                expressions.name("#ttl", ttl.as_str());
                text.push_str(", #ttl");
            }
            for (at, name) in module.stamps().names().enumerate() {
                let placeholder = format!("#stamp{at}");
                expressions.name(&placeholder, name);
                let _ = write!(text, ", {placeholder}");
            }
        } else {
            // A page that ends early goes on at its last item's sort key.
            let query = page.and_then(|page| page.query.as_ref());
            let sort = query.and_then(Query::index_sort);
            let sort = sort.map(|sort| sort.attribute.as_str());
            let asked = fields.unwrap_or_default().iter().map(String::as_str);
            // DynamoDB takes no attribute twice.
            let mut wanted: Vec<_> = asked.chain(sort).collect();
            wanted.sort_unstable();
            wanted.dedup();
            wanted.retain(|&name| !module.key().contains(name));
            for (at, name) in wanted.into_iter().enumerate() {
                let placeholder = format!("#f{at}");
                expressions.name(&placeholder, name);
                let _ = write!(text, ", {placeholder}");
            }
        }
        expressions.text = Some(text);
        expressions
    }

    /// The filter that leaves out what has expired.
    pub(super) fn filter_expired(&mut self, module: &Module) -> Option<String> {
        module.ttl()?;
        self.set_now(module);
        Some(ALIVE.to_owned())
    }

    /// The condition on the keys of the table or of an index.
    pub(super) fn key_condition(
        &mut self,
        module: &Module,
        (attribute, value): &Partition,
        query: Option<&Query>,
    ) -> String {
        self.name("#partition", attribute);
        self.value(":partition", value.clone());
        let mut text = "#partition = :partition".to_owned();
        if let Some(query) = query
            && let Some((sort, key_type)) = query.sort_key(module.key())
            && let Some(condition) = &query.sort
        {
            self.name("#sort", sort);
            let mut value = |placeholder: &str, value: &String| {
                self.value(placeholder, key_type.value(value.clone()));
            };
            let comparison = match condition {
                SortCondition::Compared(operator, than) => {
                    value(":sort", than);
                    format!("#sort {operator} :sort")
                }
                SortCondition::Between(least, most) => {
                    value(":sort", least);
                    value(":most", most);
                    "#sort BETWEEN :sort AND :most".to_owned()
                }
                SortCondition::BeginsWith(prefix) => {
                    value(":sort", prefix);
                    "begins_with(#sort, :sort)".to_owned()
                }
            };
            let _ = write!(text, " AND {comparison}");
        }
        text
    }

    /// That an item's members are those seen. The tag tells what modulo has written since, be it
    /// a new member; the values tell of writers who know of no tag.
    fn unchanged_members(&mut self, module: &Module, seen: Attributes) -> String {
        self.name("#key", module.key().partition().attribute.as_str());
        self.name("#tag", TAG_ATTRIBUTE);
        let mut text = "attribute_exists(#key)".to_owned();
        let mut seen: Vec<_> = seen.into_iter().collect();
        seen.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let tag = seen.iter().position(|(name, _)| name == TAG_ATTRIBUTE);
        match tag.map(|at| seen.remove(at)) {
            Some((_, tag)) => {
                self.value(":tag", tag);
                text.push_str(" AND #tag = :tag");
            }
            None => text.push_str(" AND attribute_not_exists(#tag)"),
        }
        for (at, (name, value)) in seen.into_iter().take(MAX_MEMBERS).enumerate() {
            self.name(&format!("#s{at}"), &name);
            self.value(&format!(":s{at}"), value);
            let _ = write!(text, " AND #s{at} = :s{at}");
        }
        text
    }
}

/// The attribute and the value that all items of one partition have, of the table or of an index.
pub(super) type Partition = (String, AttributeValue);

/// The partition that a list is of, unless it is the whole table's.
pub(super) fn partition(
    module: &Module,
    query: Option<&Query>,
    tenant: Option<&Tenant>,
) -> Option<Partition> {
    let Some(query) = query else {
        return tenant.map(Tenant::own_mark);
    };
    Some(match (&query.of, tenant) {
        (Queried::Table, _) => {
            let key = module.key().partition();
            let text = match tenant {
                Some(tenant) => tenant.qualify(&query.partition),
                None => query.partition.clone(),
            };
            (key.attribute.to_string(), key.key_type.value(text))
        }
        (Queried::Index(index), None) => {
            let key = &index.partition;
            let value = key.key_type.value(query.partition.clone());
            (key.attribute.to_string(), value)
        }
        (Queried::Index(index), Some(tenant)) => tenant.mark(&index.partition, &query.partition),
    })
}

impl KeyType {
    /// A value of this type; its text has been checked.
    pub(super) fn value(self, text: String) -> AttributeValue {
        match self {
            Self::S => AttributeValue::S(text),
            Self::N => AttributeValue::N(text),
        }
    }
}

/// An update of an item.
#[derive(Debug, Default)]
pub(super) struct Update {
    /// What it sets, from `SET` on.
    pub(super) set: String,
    /// The attributes that it takes away.
    pub(super) removed: Vec<String>,
    /// What its placeholders stand for, and its condition.
    pub(super) expressions: Expressions,
}

impl Update {
    /// Its expression, and what the placeholders in it stand for.
    pub(super) fn into_expression(self) -> (String, Expressions) {
        let Self {
            set: mut text,
            removed,
            mut expressions,
        } = self;
        for (at, name) in removed.iter().enumerate() {
            expressions.name(&format!("#r{at}"), name);
            let before = if at == 0 { " REMOVE" } else { "," };
            let _ = write!(text, "{before} #r{at}");
        }
        (text, expressions)
    }
}

/// The update of an item's members from what was seen to `document`, unless it is too much for one
/// expression.
pub(super) fn changes(
    module: &Module,
    tenant: Option<&Tenant>,
    seen: &Attributes,
    document: &Document,
) -> Option<Update> {
    let members = storage::attributes_of(document.members()?.clone());
    let mut expressions = Expressions::default();
    expressions.name("#newTag", TAG_ATTRIBUTE);
    let tag = content_tag::of(document.as_str());
    expressions.value(":newTag", AttributeValue::S(tag));
    let mut set = "SET #newTag = :newTag".to_owned();

    let is_kept = |name: &str| {
        name == TAG_ATTRIBUTE
            || module.key().contains(name)
            || module.stamps().contains(name)
            || members.contains_key(name)
    };
    let removed: Vec<_> = seen.keys().filter(|name| !is_kept(name)).collect();
    let changed = members.iter().filter(|(name, value)| {
        seen.get(*name)
            .is_none_or(|seen| !storage::is_same(seen, value))
    });
    let changed: Vec<_> = changed.collect();
    if removed.len() + changed.len() > MAX_MEMBERS {
        return None;
    }
    for (at, (name, value)) in changed.into_iter().enumerate() {
        expressions.name(&format!("#c{at}"), name);
        expressions.value(&format!(":c{at}"), value.clone());
        let _ = write!(set, ", #c{at} = :c{at}");
    }
    let mut removed: Vec<_> = removed.into_iter().cloned().collect();
    if let Some(tenant) = tenant {
        let (marks, outdated) = expressions.marks(tenant.marks(module, &members));
        set.push_str(&marks);
        removed.extend(outdated);
    }
    Some(Update {
        set,
        removed,
        expressions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::item::ItemId;
    use crate::item::collection::Collection;
    use crate::module::limits;
    use crate::module::name::Stage;
    use crate::store::stamps::{self, Created};
    use crate::store::types::{MAX_TYPES, STRING_SET};

    #[track_caller]
    fn assert_within_limits(expression: &str) {
        assert!(expression.len() <= limits::EXPRESSION_BYTES, "{expression}");
        let words = [" = ", " AND ", " OR ", "NOT ", " <= ", "_exists(", "_type("];
        let operators: usize = words
            .iter()
            .map(|word| expression.matches(word).count())
            .sum();
        assert!(operators <= limits::EXPRESSION_OPERATORS, "{operators}");
    }

    #[test]
    fn the_longest_expressions_are_within_dynamodbs_limits() {
        let text = r#"
            [access.main]
            jwt = { issuer = "i", audience = "a", jwks = "https://issuer.example.com/jwks.json" }
            [modules.rooms]
            key = "roomId"
            storage = "document"
            stamps = true
            ttl = "expiresAt"
            access = { guard = "main" }
            tenant = { claim = "org_id" }
            [[modules.rooms.indexes]]
            name = "by-building"
            partition = "building"
        "#;
        let config = config::parse(text, "modules.toml".as_ref(), &Stage::default(), []);
        let config = config.unwrap_or_else(|error| panic!("{error}"));
        let module = config.modules.iter().next().expect("there is one");
        let names = |count| (0..count).map(|at| format!("a{at}"));

        let value = || AttributeValue::S("x".to_owned());
        let attributes = names(2 * MAX_MEMBERS).map(|name| (name, value())).collect();
        let seen = StoredItem::new(module, None, attributes, None).expect("it is nobody's");
        let condition = Condition::unchanged(Some(seen)).expressions(module);
        assert_within_limits(&condition.text.expect("there is one"));

        let kept = (0..2 * MAX_MEMBERS).map(|at| match at % 2 {
            0 => format!(r#""a{at}":"x""#),
            _ => format!(r#""b{at}":"y""#),
        });
        let kept: Vec<_> = kept.take(MAX_MEMBERS).collect();
        let document = format!("{{{}}}", kept.join(","));
        let id = ItemId::new();
        let document =
            Document::parse_changed(document, &Collection::new(module), &id).expect("it is one");
        let few = names(MAX_MEMBERS / 2).map(|name| (name, value())).collect();
        let tenant: Tenant = "acme".parse().expect("a name");
        let mut update = changes(module, Some(&tenant), &few, &document).expect("it is one");
        stamps::stamp_update(module, Some("ana"), &mut update);
        let (update, _) = update.into_expression();
        assert_within_limits(&update);

        let members: Vec<_> = names(MAX_TYPES).map(|name| (name, STRING_SET)).collect();
        let condition = Condition::Exists.expressions(module);
        let condition = condition
            .and_clear_types(module, &members)
            .and_created(module, &Created::default());
        assert_within_limits(&condition.text.expect("there is one"));

        let fields: Vec<_> = names(PageRequest::MAX_FIELDS).collect();
        let query = format!("fields={}", fields.join(","));
        let page = PageRequest::parse(&query, module, None, None).expect("a query");
        let projection = Expressions::projection(module, Some(&page));
        assert_within_limits(&projection.text.expect("there is one"));
    }
}
